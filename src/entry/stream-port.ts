/** An isolate's side of the objects that keep streams: one for each inference. */
import { STREAM_MS } from "../limits.ts";
import { ask, askAgain } from "../platform/unavailable.ts";
import type { StreamPort } from "../ports.ts";

export function streamPortOf(env: Pick<Env, "STREAM">): StreamPort {
  const object = (accountId: string, id: string) => env.STREAM.getByName(`${accountId}/${id}`); // a new stub each time: one that has thrown stays broken
  return {
    append: (accountId, id, attempt, begins, bytes) =>
      ask("streams", STREAM_MS, async () => object(accountId, id).append(attempt, begins, bytes)),
    after: (accountId, id, attempt, offset, ms) =>
      askAgain(() => ask("streams", STREAM_MS + ms, async () => object(accountId, id).after(attempt, offset, ms))),
    given: (accountId, id) => askAgain(() => ask("streams", STREAM_MS, async () => object(accountId, id).given())),
    // Once: asked again, it could not tell its own first try from another call.
    give: (accountId, id, from, to) => ask("streams", STREAM_MS, async () => object(accountId, id).give(from, to)),
    forget: (accountId, id) => askAgain(() => ask("streams", STREAM_MS, async () => object(accountId, id).forget())),
  };
}
