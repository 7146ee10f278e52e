/** The frame that every page stands in: who is signed in, the navigation, the shortcuts, and the page of the address. */
import type { ComponentType } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Link, Redirect, Route, Router, Switch, useLocation } from "wouter-preact";
import { type Session, currentSession, onSessionOver, signOut } from "./api.ts";
import { type Page, pagesFor } from "./pages.ts";
import type { PageProps } from "./parts/page.ts";
import { SignIn } from "./pages/sign-in.tsx";
import { Mark } from "./parts/mark.tsx";
import { Help, useShortcuts } from "./parts/shortcuts.tsx";
import { Empty, Failed, Loading, messageOf } from "./parts/states.tsx";
import { Toasts, toast } from "./parts/toast.tsx";
import { useEvery } from "./parts/use.ts";
import { THEMES, setTheme, themeNow } from "./theme.ts";

/** How often a session is renewed while its page is looked at, which also notices that it is over. */
const RENEW_MS = 30_000;

type State =
  | { readonly is: "asking" }
  | { readonly is: "failed"; readonly error: unknown }
  | { readonly is: "out"; readonly reason: string | null }
  | { readonly is: "in"; readonly session: Session };

export function Shell() {
  const [state, setState] = useState<State>({ is: "asking" });
  const find = useCallback(() => {
    currentSession().then(
      (session) => setState(session ? { is: "in", session } : { is: "out", reason: null }),
      (error: unknown) => setState({ is: "failed", error }),
    );
  }, []);
  useEffect(() => {
    onSessionOver((reason) => setState((was) => (was.is === "in" ? { is: "out", reason } : was)));
    find();
  }, [find]);
  useEvery(RENEW_MS, () => state.is === "in" && find());
  return (
    <Router base="/console">
      {state.is === "asking" && <Loading />}
      {state.is === "failed" && <Failed error={state.error} retry={find} />}
      {state.is === "out" && <SignIn reason={state.reason} entered={(session) => setState({ is: "in", session })} />}
      {state.is === "in" && <Inside session={state.session} leave={() => setState({ is: "out", reason: null })} />}
      <Toasts />
    </Router>
  );
}

function Inside({ session, leave }: { readonly session: Session; readonly leave: () => void }) {
  const pages = pagesFor(session);
  const [helping, setHelping] = useState(false);
  const [menu, setMenu] = useState(false);
  const [path, go] = useLocation();
  useEffect(() => setMenu(false), [path]);
  useShortcuts(pages, go, () => setHelping(true));
  const first = pages.find(({ nav }) => nav)?.path ?? "/";
  const out = async () => {
    try {
      await signOut();
      leave();
    } catch (error) {
      toast(messageOf(error), { bad: true });
    }
  };
  return (
    <div class="app">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="side">
        <div class="brand">
          <Link href="/" class="brand-name">
            <Mark />
            Claimcheck
          </Link>
          <button type="button" class="quiet menu-button" aria-expanded={menu} aria-controls="menu" onClick={() => setMenu(!menu)}>
            Menu
          </button>
        </div>
        <div id="menu" class={menu ? "menu open" : "menu"}>
          <Navigation pages={pages} path={path} />
          <div class="side-foot">
            <Who session={session} />
            <ThemeSwitch />
            <div class="row">
              <button type="button" class="quiet" onClick={() => setHelping(true)}>
                Shortcuts <kbd>?</kbd>
              </button>
              <button type="button" class="quiet" onClick={() => void out()}>
                Sign out
              </button>
            </div>
          </div>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Switch>
          {pages.map((page) => (
            <Route key={page.path} path={page.path}>
              {(params) => <Opened key={page.path} page={page} session={session} params={params} />}
            </Route>
          ))}
          <Route path="/">
            <Redirect to={first} replace />
          </Route>
          <Route>
            <Empty title="There is no such page">
              <Link href={first}>Go to the first one</Link>
            </Empty>
          </Route>
        </Switch>
      </main>
      {helping && <Help pages={pages} close={() => setHelping(false)} />}
    </div>
  );
}

/** The pages that were loaded: they are drawn at once when they are opened again. */
const loaded = new Map<Page, ComponentType<PageProps>>();

function Opened({ page, ...props }: PageProps & { readonly page: Page }) {
  const [, draw] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const here = useRef<HTMLDivElement>(null);
  useEffect(() => {
    document.title = `${page.title} · Claimcheck`;
    document.getElementById("main")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
    if (loaded.has(page)) return;
    page.load().then(
      (component) => {
        loaded.set(page, component);
        return draw((was) => was + 1);
      },
      (reason: unknown) => setError(reason),
    );
  }, [page]);
  const Component = loaded.get(page);
  if (error) return <Failed error={error} retry={() => location.reload()} />;
  return <div ref={here}>{Component ? <Component {...props} /> : <Loading />}</div>;
}

function Navigation({ pages, path }: { readonly pages: readonly Page[]; readonly path: string }) {
  const groups = Map.groupBy(
    pages.filter(({ nav }) => nav),
    ({ nav }) => nav?.group ?? "",
  );
  return (
    <nav aria-label="Pages">
      {[...groups].map(([group, its]) => (
        <section key={group}>
          <h2>{group}</h2>
          <ul>
            {its.map((page) => (
              <li key={page.path}>
                <Link href={page.path} aria-current={isAt(path, page.path) ? "page" : undefined}>
                  {page.title}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}

const isAt = (path: string, page: string) => path === page || path.startsWith(`${page}/`);

function Who({ session }: { readonly session: Session }) {
  if (session.kind === "operator") return <p class="who">Operator{session.name !== null && <span class="muted"> {session.name}</span>}</p>;
  return (
    <p class="who" title={`Key ${session.key.id}, ${session.key.scopes.join(", ")}`}>
      {session.account.name} <span class="muted">{session.key.name}</span>
    </p>
  );
}

function ThemeSwitch() {
  const [theme, set] = useState(themeNow());
  return (
    <fieldset class="themes">
      <legend class="hidden">Colours</legend>
      {THEMES.map((its) => (
        <label key={its}>
          <input
            type="radio"
            name="theme"
            checked={its === theme}
            onChange={() => {
              setTheme(its);
              set(its);
            }}
          />
          <span>{its}</span>
        </label>
      ))}
    </fieldset>
  );
}
