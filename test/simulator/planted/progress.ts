/** Planted bugs in what models tell of their progress. */
import { type Mutation, begins, within } from "./rewrite.ts";

const NOTE = begins("UPDATE inferences SET progress = json_object");

export const PROGRESS_BUGS: readonly Mutation[] = [
  { name: "progress goes back", rewrite: within(NOTE, "nullif(max(coalesce(", "nullif(max(-1 + 0 * coalesce(") },
  { name: "progress is written as often as a model says it", rewrite: within(NOTE, "AS INTEGER) - ?", "AS INTEGER) - 0 * ?") },
  { name: "the model of an attempt that is over still tells of its progress", rewrite: within(NOTE, "AND attempt = ?", "AND ? > 0") },
  { name: "a model tells of its progress after the end", rewrite: within(NOTE, "AND status = 'in_progress'", "") },
  {
    name: "what a model says within a second of its last word is forgotten",
    ports: (ports, _schedule, by) => (by === "model" ? { ...ports, clock: { ...ports.clock, sleep: () => new Promise(() => {}) } } : ports),
  },
];
