/** What the machine has beside the project's own. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A Node beside the one that the project brings; null if there is none that is new enough. */
export function nodeOfTheMachine(): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((path) => !path.includes("node_modules"));
  const found = folders.map((path) => join(path, "node")).find((path) => existsSync(path));
  if (found === undefined) return null;
  const version = execFileSync(found, ["--version"], { encoding: "utf8" }).trim();
  return Number(/^v(\d+)/.exec(version)?.[1]) >= 20 && version !== process.version ? found : null;
}
