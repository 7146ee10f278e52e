/** Paths of routes as readers write them. */

/** `{id}` for a parameter, and without what only the router reads. */
export function readable(path: string): string {
  return path.replaceAll(/\(\?!(?:[^()]|\([^()]*\))*\)/g, "").replaceAll(/:(\w+)\+?/g, "{$1}");
}
