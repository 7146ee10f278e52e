/** Hooks that pages share. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useLocation, useSearch } from "wouter-preact";

export interface Loaded<T> {
  /** What came last; it stays while it is loaded again. */
  readonly data: T | null;
  readonly error: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** Loads when the page opens and whenever `deps` change; what was asked before is dropped. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "reload">>({ data: null, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const left = new AbortController();
    setState((was) => ({ ...was, loading: true }));
    load(left.signal).then(
      (data) => left.signal.aborted || setState({ data, error: null, loading: false }),
      (error: unknown) => left.signal.aborted || setState((was) => ({ ...was, error, loading: false })),
    );
    return () => left.abort();
  }, [turn, ...deps]);
  const reload = useCallback(() => setTurn((was) => was + 1), []);
  return { ...state, reload };
}

/** Does something each `ms` while the page is looked at. */
export function useEvery(ms: number, work: () => void): void {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") latest.current();
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/** The query of the page's address, and how to change some of it: an empty value takes a name away. */
export function useQuery(): [URLSearchParams, (changes: Readonly<Record<string, string | null>>) => void] {
  const query = new URLSearchParams(useSearch());
  const [path, go] = useLocation();
  const change = (changes: Readonly<Record<string, string | null>>) => {
    const next = new URLSearchParams(query);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") next.delete(name);
      else next.set(name, value);
    }
    go(next.size > 0 ? `${path}?${next.toString()}` : path, { replace: true });
  };
  return [query, change];
}

/** The time, read again each `ms`. */
export function useNow(ms: number): number {
  const [now, setNow] = useState(Date.now());
  useEvery(ms, () => setNow(Date.now()));
  return now;
}
