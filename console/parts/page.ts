/** What every page gets. */
import type { Session } from "../api.ts";

export interface PageProps {
  readonly session: Session;
  /** Of its path. */
  readonly params: Readonly<Record<string, string | undefined>>;
}
