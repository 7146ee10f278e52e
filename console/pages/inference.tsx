/** One inference. */
import type { PageProps } from "../pages.ts";

export function InferencePage({ params }: PageProps) {
  return <h1>{params["id"]}</h1>;
}
