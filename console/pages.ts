/**
 * Every page of the console. A page is one file in pages/ that exports a component, and one line here: it is loaded when it is first
 * opened. What has `nav` stands in the navigation, in this order.
 */
import type { ComponentType } from "preact";
import type { Session } from "./api.ts";

/** What a page gets. */
export interface PageProps {
  readonly session: Session;
  /** Of its path. */
  readonly params: Readonly<Record<string, string | undefined>>;
}

export interface Page {
  /** Below /console. */
  readonly path: string;
  readonly title: string;
  /** For whom it is. */
  readonly who: readonly Session["kind"][];
  /** The heading that it stands under, and the key that leads to it after "g". */
  readonly nav?: { readonly group: string; readonly key: string };
  readonly load: () => Promise<ComponentType<PageProps>>;
}

const BOTH = ["account", "operator"] as const;

export const PAGES: readonly Page[] = [
  {
    path: "/inferences",
    title: "Inferences",
    who: BOTH,
    nav: { group: "Watch", key: "i" },
    load: async () => (await import("./pages/inferences.tsx")).Inferences,
  },
  {
    path: "/inferences/:id",
    title: "Inference",
    who: ["account"],
    load: async () => (await import("./pages/inference.tsx")).InferencePage,
  },
  {
    path: "/inferences/:account/:id",
    title: "Inference",
    who: ["operator"],
    load: async () => (await import("./pages/inference.tsx")).InferencePage,
  },
];
