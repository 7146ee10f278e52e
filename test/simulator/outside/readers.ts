/**
 * Clients that read streams that resume over the route of the API: their connections are cut and come back with the id of the last
 * event, each time to another isolate. What they read is what an attempt has written, every byte once and in order, or another
 * attempt's from its beginning, and they are told so. In the end what is kept of a success is what its server said.
 */
import { streamRoutes } from "../../../src/api/streams.ts";
import { EventReader } from "../../../src/backends/streams/event-reader.ts";
import type { Admissions } from "../../../src/http/admit.ts";
import type { LookUps } from "../../../src/http/lookups.ts";
import type { Ports } from "../../../src/ports.ts";
import { Problem } from "../../../src/problem.ts";
import { type ToldEnd, toldOf } from "../rules/ends.ts";
import type { Job } from "../shape.ts";
import type { World } from "../world.ts";
import { Blocks, fieldOf } from "./blocks.ts";
import { callOf } from "./call.ts";

interface Reader {
  readonly job: Job;
  readonly id: string;
  lastEventId: string | null;
  /** Which attempt speaks; 0 = none has yet. */
  attempt: number;
  text: string;
  /** When its connection was made. */
  askedAt: number;
  isOver: boolean;
}

/** What stands before the bytes of an attempt: how soon to come back, once, comments behind that, and the event's id. */
const OURS = /^(?:retry: \d+\n(?::.*\n)*)?id: .*\n/;
const RULE = "a reader has every byte in order";
/** Once nothing goes wrong, a reader hears of the end after this: it comes back, and who watches looks. */
const OVER_WITHIN_MS = 120_000;
const [STREAM] = streamRoutes;

export class Readers {
  readonly #world: World;
  readonly #sharedOf: (ports: Ports) => { admissions: Admissions; lookUps: LookUps };
  readonly #readers: Reader[] = [];
  #haveLeft = false;

  constructor(world: World, sharedOf: (ports: Ports) => { admissions: Admissions; lookUps: LookUps }) {
    this.#world = world;
    this.#sharedOf = sharedOf;
  }

  /** Reads until the end, with a new request each time that one is cut. */
  async read(job: Job, id: string): Promise<void> {
    const world = this.#world;
    const { watchRandom: random } = world;
    const reader: Reader = { job, id, lastEventId: null, attempt: 0, text: "", askedAt: 0, isOver: false };
    this.#readers.push(reader);
    while (!this.#haveLeft && !reader.isOver && !world.violation) {
      const blocks = new Blocks();
      const take = (piece: Uint8Array) => {
        for (const block of blocks.of(piece)) this.#take(reader, block);
      };
      reader.askedAt = world.schedule.now;
      const stayMs = world.hasEnded || random.chance(0.3) ? Infinity : random.magnitude(50, 20_000);
      const how = await world.requests.follow(
        async (ports, after, signal) => {
          const path = `/v1/inferences/${id}/stream`;
          const shared = { ...this.#sharedOf(ports), ports, after, signal, requestId: "reader" };
          if (!STREAM) throw new Error("the API has no such route");
          return STREAM.handle(callOf({ ...shared, account: job.account, path, id, lastEventId: reader.lastEventId }));
        },
        take,
        stayMs,
      );
      if (how === 204) reader.isOver = true;
      if (how instanceof Problem && how.code === "bad_request") this.#violate(reader, `may not go on after ${reader.lastEventId}`);
      if (how instanceof Problem && how.code === "payload_gone") reader.isOver = true;
      await world.wait(random.magnitude(20, 5_000));
    }
  }

  #take(reader: Reader, block: string): void {
    const [name, id] = [fieldOf(block, "event"), fieldOf(block, "id")];
    if (this.#haveLeft || (name === null && id === null)) return;
    this.#world.note(`a reader of #${reader.job.number} is told ${name ?? "more"} ${id ?? ""}`);
    if (reader.isOver) return this.#violate(reader, "is told more after the end");
    if (name === "restart") {
      Object.assign(reader, { attempt: 0, text: "" });
      return;
    }
    reader.lastEventId = id;
    if (name !== null) {
      reader.isOver = true;
      const { inference } = JSON.parse(fieldOf(block, "data") ?? "{}") as { inference?: ToldEnd }; // as the API documents it
      return this.#judgeEnd(reader, inference);
    }
    const [attempt = 0, offset = 0] = (id ?? "").split(".").map(Number);
    if (reader.attempt === 0) reader.attempt = attempt;
    if (reader.attempt !== attempt) this.#violate(reader, `is told of attempt ${attempt} after ${reader.attempt}, as if it went on`);
    reader.text += `${block.replace(OURS, "")}\n\n`;
    const written = this.#world.streams.writtenBy(reader.job.account.id, reader.id, attempt);
    if (reader.text.length !== offset || !written.startsWith(reader.text))
      this.#violate(reader, `has ${reader.text.length} bytes up to ${id}, which are not the ${written.length} that were written`);
  }

  /** The end that it is told of is there, or was while it read: a redrive may have come since. Of a success it has all that the attempt has written. */
  #judgeEnd(reader: Reader, told: ToldEnd | undefined): void {
    const life = this.#world.model.known.jobs.get(reader.job.number);
    const end = told && toldOf(life?.ends ?? [], told, reader.askedAt);
    if (!end) return this.#violate(reader, `is told of the end ${JSON.stringify(told)}, and it is ${life?.row.status}`);
    const { accountId, id, attempt, status } = end.row;
    if (status !== "succeeded") return;
    const written = this.#world.streams.writtenBy(accountId, id, attempt);
    if (reader.text !== written) this.#violate(reader, `has ${reader.text.length} of the ${written.length} bytes at the end`);
  }

  #violate({ job, attempt }: Reader, detail: string): void {
    this.#world.violate(RULE, `a reader of #${job.number}, attempt ${attempt}, ${detail}`);
  }

  /** Whether all who read have come to the end. */
  haveReadAll(): boolean {
    return this.#readers.every(({ isOver }) => isOver);
  }

  /** A reader hears of the end soon. */
  judgeEnds(): void {
    const { model, schedule } = this.#world;
    for (const reader of this.#readers) {
      const since = reader.isOver ? null : model.finalSince(reader.job.number);
      if (since !== null && schedule.now > Math.max(since, model.known.faultsEndedAt) + OVER_WITHIN_MS)
        this.#world.violate("a reader hears of the end", `a reader of #${reader.job.number} has not`);
    }
  }

  /** Nobody reads any more. */
  leave(): void {
    this.#haveLeft = true;
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
