/**
 * Every page of the console. A page is one file in pages/ that exports a component, and one line here: it is loaded when it is first
 * opened. What has `nav` stands in the navigation, in this order.
 */
import type { ComponentType } from "preact";
import type { Session } from "./api.ts";
import type { PageProps } from "./parts/page.ts";

export interface Page {
  /** Below /console. */
  readonly path: string;
  readonly title: string;
  /** For whom it is. */
  readonly who: readonly Session["kind"][];
  /** The scope that an account's key must have for it. */
  readonly needs?: "submit";
  /** The heading that it stands under, and the key that leads to it after "g". */
  readonly nav?: { readonly group: string; readonly key: string };
  readonly load: () => Promise<ComponentType<PageProps>>;
}

const BOTH = ["account", "operator"] as const;

export const PAGES: readonly Page[] = [
  {
    path: "/overview",
    title: "Overview",
    who: ["operator"],
    nav: { group: "Watch", key: "o" },
    load: async () => (await import("./pages/overview.tsx")).OverviewPage,
  },
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
    path: "/inferences/:id",
    title: "Inference",
    who: ["operator"],
    load: async () => (await import("./pages/inference.tsx")).FindInference,
  },
  {
    path: "/inferences/:account/:id",
    title: "Inference",
    who: ["operator"],
    load: async () => (await import("./pages/inference.tsx")).InferencePage,
  },
  {
    path: "/failures",
    title: "Failures",
    who: BOTH,
    nav: { group: "Watch", key: "x" },
    load: async () => (await import("./pages/failures.tsx")).FailuresPage,
  },
  {
    path: "/playground",
    title: "Playground",
    who: ["account"],
    needs: "submit",
    nav: { group: "Try", key: "p" },
    load: async () => (await import("./pages/playground.tsx")).PlaygroundPage,
  },
  {
    path: "/models",
    title: "Models",
    who: ["operator"],
    nav: { group: "Serve", key: "m" },
    load: async () => (await import("./pages/models.tsx")).ModelsPage,
  },
  {
    path: "/models/:name",
    title: "Model",
    who: ["operator"],
    load: async () => (await import("./pages/model.tsx")).ModelPage,
  },
  {
    path: "/backends",
    title: "Backends",
    who: ["operator"],
    nav: { group: "Serve", key: "b" },
    load: async () => (await import("./pages/backends.tsx")).BackendsPage,
  },
  {
    path: "/backends/:id",
    title: "Backend",
    who: ["operator"],
    load: async () => (await import("./pages/backend.tsx")).BackendPage,
  },
  {
    path: "/accounts",
    title: "Accounts",
    who: ["operator"],
    nav: { group: "Account", key: "a" },
    load: async () => (await import("./pages/accounts.tsx")).AccountsPage,
  },
  {
    path: "/accounts/:id",
    title: "Account",
    who: ["operator"],
    load: async () => (await import("./pages/account.tsx")).AccountPage,
  },
  {
    path: "/keys",
    title: "Keys",
    who: ["operator"],
    nav: { group: "Account", key: "k" },
    load: async () => (await import("./pages/keys.tsx")).KeysPage,
  },
  {
    path: "/usage",
    title: "Usage",
    who: BOTH,
    nav: { group: "Account", key: "u" },
    load: async () => (await import("./pages/usage.tsx")).UsagePage,
  },
  {
    path: "/webhooks",
    title: "Webhooks",
    who: BOTH,
    nav: { group: "Account", key: "w" },
    load: async () => (await import("./pages/webhooks.tsx")).WebhooksPage,
  },
  {
    path: "/files",
    title: "Files",
    who: ["account"],
    nav: { group: "Account", key: "f" },
    load: async () => (await import("./pages/files.tsx")).FilesPage,
  },
  {
    path: "/storage",
    title: "Storage",
    who: ["operator"],
    nav: { group: "Operate", key: "s" },
    load: async () => (await import("./pages/storage.tsx")).StoragePage,
  },
  {
    path: "/audit",
    title: "Audit log",
    who: ["operator"],
    nav: { group: "Operate", key: "l" },
    load: async () => (await import("./pages/audit.tsx")).AuditPage,
  },
];

/** The pages that somebody may open. */
export const pagesFor = (session: Session): readonly Page[] =>
  PAGES.filter(
    ({ who, needs }) => who.includes(session.kind) && (!needs || session.kind === "operator" || session.key.scopes.includes(needs)),
  );
