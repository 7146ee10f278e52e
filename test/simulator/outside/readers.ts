/**
 * Those who read streams that resume, each from an isolate that may die, and what they have seen: every byte that an attempt has
 * said, once and in order, or another attempt's from its beginning. In the end what is kept of a success is what its server said.
 */
import { EventReader } from "../../../src/backends/streams/event-reader.ts";
import { isFinal } from "../../../src/inferences/status.ts";
import type { Job } from "../shape.ts";
import type { World } from "../world.ts";

interface Seen {
  readonly job: number;
  readonly id: string;
  attempt: number;
  text: string;
}

export class Readers {
  readonly #world: World;
  readonly #seen: Seen[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Reads until the inference has ended, with a new request each time that one fails. */
  async read({ number, account }: Job, id: string): Promise<void> {
    const world = this.#world;
    const seen: Seen = { job: number, id, attempt: 0, text: "" };
    this.#seen.push(seen);
    for (let looks = 0; looks < 60 && !world.hasEnded; looks++) {
      const { attempt, text } = seen;
      const reply = await world.requests.request("client", (ports) => ports.streams.after(account.id, id, attempt, text.length, 0));
      if (reply.ok && reply.value.attempt > 0) {
        const { attempt: speaks, pieces } = reply.value;
        if (speaks < seen.attempt)
          world.violate("a stream goes on or begins again", `#${number}: attempt ${speaks} speaks after ${seen.attempt}`);
        if (speaks !== seen.attempt) seen.text = "";
        seen.attempt = speaks;
        seen.text += Buffer.concat(pieces).toString("latin1");
      }
      const row = world.model.known.jobs.get(number)?.row;
      if (row && isFinal(row.status)) return;
      await world.wait(world.random.magnitude(50, 5_000));
    }
  }

  judge(): void {
    const { model, objects, shape } = this.#world;
    const violate = (rule: string, detail: string) => this.#world.violate(rule, detail);
    for (const { number, resumable } of shape.jobs) {
      const row = model.known.jobs.get(number)?.row;
      if (!resumable || row?.status !== "succeeded" || row.dataRemovedAt !== null || row.outputParts === null) continue;
      const [part] = JSON.parse(row.outputParts) as { key: string; bytes: number }[]; // as our statements write it
      const kept = objects.textOf(part?.key ?? null);
      if (kept === null) continue; // past its retention
      if (kept.length !== part?.bytes) violate("what is kept of a stream is whole", `#${number}: ${kept.length} of ${part?.bytes} bytes`);
      const output = row.output ?? objects.textOf(row.outputObject);
      if (saidIn(kept) !== contentOf(output)) violate("what is kept of a stream is what its server said", `#${number}`);
      for (const seen of this.#seen.filter(({ job }) => job === number)) {
        if (seen.attempt === row.attempt && !kept.startsWith(seen.text))
          violate("a reader has every byte in order", `#${number}: ${seen.text.length} bytes of attempt ${seen.attempt}`);
      }
    }
  }
}

/** What the chunks of a chat amount to. */
function saidIn(stream: string): string {
  const events = [...new EventReader().of(new TextEncoder().encode(stream))];
  const chunks = events.map(({ data }) => JSON.parse(data ?? "{}") as { choices: { delta: { content?: string } }[] }); // as the servers here send them
  return chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
}

function contentOf(output: string | null): string | null {
  if (output === null) return null;
  const { choices } = JSON.parse(output) as { choices: { message: { content: string } }[] }; // of a chat
  return choices[0]?.message.content ?? null;
}
