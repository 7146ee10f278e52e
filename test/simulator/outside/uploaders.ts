/**
 * Clients that send files: whole, of a length that they don't tell, or part by part, with a digest that is right or wrong;
 * some break off, some remove their file again. What a client was told is held against what is stored.
 */
import { createHash } from "node:crypto";
import { type Incoming, receiveFile } from "../../../src/files/receive.ts";
import { beginUpload, completeUpload, divisionOf, receivePart } from "../../../src/files/uploads.ts";
import { removeFile } from "../../../src/files/remove.ts";
import { type NewFile, type StoredFile, findFile } from "../../../src/files/store.ts";
import { newInferenceId } from "../../../src/ids.ts";
import type { Ports } from "../../../src/ports.ts";
import { Problem } from "../../../src/problem.ts";
import { streamOf } from "../platform/objects.ts";
import type { FileJob } from "../shape.ts";
import type { World } from "../world.ts";
import type { Reply } from "../world/requests.ts";

/** Refusals that a client brings upon itself, or that a fault can lead to. */
const EXPECTED = new Set(["quota_exceeded", "digest_mismatch", "bad_request", "file_not_found", "upload_incomplete"]);

export class Uploaders {
  readonly #world: World;
  accepted = 0;

  constructor(world: World) {
    this.#world = world;
    for (const job of world.shape.files) {
      world.schedule.after(job.atMs, () => {
        this.#live(job).catch((error: unknown) =>
          world.violate("clients do not break", error instanceof Error ? (error.stack ?? error.message) : String(error)),
        );
      });
    }
  }

  async #live(job: FileJob): Promise<void> {
    const world = this.#world;
    const file = await (job.way === "parts" ? this.#sendParts(job) : this.#send(job));
    if (file) {
      this.accepted++;
      world.note(`client: file ${job.number} is accepted as ${file.id}`);
      if (job.sha256 === "wrong") world.violate("a digest is checked", `file ${job.number} was accepted with a wrong SHA-256`);
      world.storage.judgeAccepted(file, job.bytes);
    }
    if (!file || job.removedAfterMs === null) return;
    await world.wait(job.removedAfterMs);
    if (world.hasEnded) return;
    world.storage.isUnwanted(file);
    await this.#ask(async (ports) => {
      const there = await findFile(ports.db, file.accountId, file.id);
      if (there) await removeFile(ports, there);
    });
  }

  async #send(job: FileJob): Promise<StoredFile | null> {
    const bytes = bytesOf(job);
    const length = job.way === "whole" ? job.bytes : null;
    const reply = await this.#ask(async (ports) => {
      const { bytes: _bytes, partBytes: _partBytes, ...draft } = draftOf(job, ports);
      return receiveFile(ports, { ...draft, sha256: null }, incoming(job, bytes, length, digestOf(job, bytes), job.breaksOffAt));
    });
    return reply.ok ? reply.value : null;
  }

  async #sendParts(job: FileJob): Promise<StoredFile | null> {
    const world = this.#world;
    const bytes = bytesOf(job);
    const begun = await this.#ask((ports) => beginUpload(ports, { ...draftOf(job, ports), sha256: digestOf(job, bytes) }));
    if (!begun.ok) return null;
    const file = begun.value;
    const { parts, sizeOf } = divisionOf(file);
    const find = async (ports: Ports) => (await findFile(ports.db, file.accountId, file.id)) ?? file;
    for (const number of world.random.shuffled(Array.from({ length: parts }, (_, index) => index + 1))) {
      const from = (number - 1) * job.partBytes;
      const part = bytes.subarray(from, from + sizeOf(number));
      const breaksOff = job.breaksOffAt !== null && job.breaksOffAt < from + part.byteLength;
      const sent = await this.#insist((ports) =>
        find(ports).then((there) => receivePart(ports, there, number, incoming(job, part, part.byteLength, null, breaksOff ? 0 : null))),
      );
      if (breaksOff) return null;
      if (!sent.ok) return null;
    }
    const gone = new AbortController();
    const completed = await this.#insist(async (ports) => completeUpload(ports, await find(ports), gone.signal));
    return completed.ok ? completed.value : null;
  }

  async #insist<T>(ask: (ports: Ports) => Promise<T>): Promise<Reply<T>> {
    const world = this.#world;
    for (let tries = 1; ; tries++) {
      const reply = await this.#ask(ask);
      if (reply.ok || reply.error instanceof Problem || tries === 3 || world.hasEnded) return reply;
      await world.wait(world.random.magnitude(100, 10_000));
    }
  }

  async #ask<T>(handle: (ports: Ports) => Promise<T>): Promise<Reply<T>> {
    const reply = await this.#world.requests.request("client", handle);
    if (!reply.ok) {
      this.#world.note(`client: a file's request is told ${String(reply.error)}`);
      const { error } = reply;
      if (error instanceof Problem && !EXPECTED.has(error.code)) this.#world.violate("a sound file is accepted", String(error));
    }
    return reply;
  }
}

function draftOf(job: FileJob, ports: Ports): NewFile {
  return {
    accountId: job.account.id,
    id: newInferenceId(ports.clock.now(), ports.randomBytes),
    name: "",
    contentType: "application/octet-stream",
    bytes: job.bytes,
    sha256: null,
    origin: "https://claimcheck.example.com",
    partBytes: job.way === "parts" ? job.partBytes : null,
  };
}

function bytesOf({ number, bytes }: FileJob): Uint8Array {
  return new Uint8Array(bytes).map((_, index) => (number + index) % 256);
}

function digestOf({ sha256 }: FileJob, bytes: Uint8Array): string | null {
  if (sha256 === "none") return null;
  return sha256 === "right" ? createHash("sha256").update(bytes).digest("hex") : "0".repeat(64);
}

function incoming(_job: FileJob, bytes: Uint8Array, length: number | null, sha256: string | null, breaksOffAt: number | null): Incoming {
  const gone = new AbortController();
  const body = breaksOffAt === null ? streamOf(bytes) : brokenOff(bytes.subarray(0, breaksOffAt));
  return { body, bytes: length, sha256, gone: gone.signal };
}

function brokenOff(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let isSent = bytes.byteLength === 0;
  return new ReadableStream({
    pull(controller) {
      if (isSent) return controller.error(new TypeError("Network connection lost."));
      isSent = true;
      controller.enqueue(bytes.slice());
    },
  });
}
