/**
 * What accounts store: the count that the database keeps is held against a recount of all rows, no object goes while a row
 * names it, nothing is called ready before its object is there, and nothing goes before its time.
 */
import type { Change, AccountRow, DeliveryRow, EndpointRow, FileRow, InferenceRow } from "../platform/rows.ts";
import type { Actor } from "./lives.ts";

export interface StorageWorld {
  now(): number;
  /** How many bytes an object has; null if there is none. */
  sizeOf(key: string): number | null;
  violate(rule: string, detail: string): void;
}

export class Storage {
  readonly #world: StorageWorld;
  readonly #accounts = new Map<string, AccountRow>();
  readonly #files = new Map<string, FileRow>();
  readonly #inferences = new Map<string, InferenceRow>();
  readonly #open = new Map<string, number>();
  readonly #recounts = new Map<string, number>();
  /** Of that, what lies in the database. */
  readonly #rowRecounts = new Map<string, number>();
  /** What deliveries and endpoints count as there, row by row. */
  readonly #told = new Map<string, number>();
  /** Files that somebody asked to be removed: their objects may go first. */
  readonly #unwanted = new Set<string>();
  /** The rows that name an object. */
  readonly #named = new Map<string, "file" | "inference">();

  constructor(world: StorageWorld) {
    this.#world = world;
  }

  /** What one transaction changed. */
  see(changes: readonly Change[], by: Actor): void {
    for (const change of changes) {
      if (change.of === "accounts") this.#accounts.set(change.row.id, change.row);
      else if (change.of === "files") this.#seeFile(change.row, change.isGone, by);
      else if (change.of === "inferences") this.#seeInference(change.row, change.isGone, by);
      else if (change.of === "deliveries")
        this.#seeTold(change.row.accountId, deliveryKey(change.row), change.isGone ? 0 : deliveryBytesOf(change.row));
      else if (change.of === "endpoints")
        this.#seeTold(change.row.accountId, endpointKey(change.row), change.isGone ? 0 : toldChargeOf(sizeOf(change.row.url)));
    }
    for (const { id, storedBytes, databaseBytes, openAtMost } of this.#accounts.values()) {
      const open = this.#open.get(id) ?? 0;
      if (openAtMost < open)
        this.#world.violate("open inferences are counted", `${id} has ${open} open, and at most ${openAtMost} are counted`);
      const recount = this.#recounts.get(id) ?? 0;
      if (storedBytes !== recount)
        this.#world.violate("quotas equal a recount", `${id} stores ${recount} bytes, and ${storedBytes} are counted`);
      const inRows = this.#rowRecounts.get(id) ?? 0;
      if (databaseBytes !== inRows)
        this.#world.violate("quotas equal a recount", `${id} has ${inRows} bytes in the database, and ${databaseBytes} are counted`);
    }
  }

  #seeFile(row: FileRow, isGone: boolean, by: Actor): void {
    const key = fileKey(row);
    const old = this.#files.get(key);
    const now = this.#world.now();
    this.#count(
      row.accountId,
      (isGone ? 0 : chargeOf(row.bytes)) - (old ? chargeOf(old.bytes) : 0),
      (isGone ? 0 : rowChargeOf()) - (old ? rowChargeOf() : 0),
    );
    if (isGone) {
      if (by.kind === "sweep" && row.expiresAt > now) {
        this.#world.violate("kept until its time", `file ${row.id} is removed ${row.expiresAt - now} ms early`);
      }
      this.#files.delete(key);
      this.#named.delete(key);
      return;
    }
    this.#files.set(key, row);
    const quota = this.#accounts.get(row.accountId)?.quotaBytes ?? Infinity;
    if (row.bytes > (old?.bytes ?? 0) && (this.#recounts.get(row.accountId) ?? 0) > quota) {
      this.#world.violate("files keep within the quota", `file ${row.id} of ${row.bytes} bytes is beyond ${quota} bytes`);
    }
    if (row.state !== "ready" || old?.state === "ready") return;
    this.#named.set(key, "file");
    if (this.#world.sizeOf(key) !== row.bytes && !this.#unwanted.has(key)) {
      this.#world.violate(
        "no row without its object",
        `file ${row.id} is ready with ${row.bytes} bytes, stored are ${this.#world.sizeOf(key)}`,
      );
    }
  }

  #seeInference(row: InferenceRow, isGone: boolean, by: Actor): void {
    const key = `${row.accountId}/${row.id}`;
    const old = this.#inferences.get(key);
    this.#count(
      row.accountId,
      (isGone ? 0 : bytesOf(row)) - (old ? bytesOf(old) : 0),
      (isGone ? 0 : rowBytesOf(row)) - (old ? rowBytesOf(old) : 0),
    );
    this.#open.set(row.accountId, (this.#open.get(row.accountId) ?? 0) + (!isGone && isOpen(row) ? 1 : 0) - (old && isOpen(old) ? 1 : 0));
    for (const object of objectsOf(old)) this.#named.delete(object);
    if (!isGone) {
      this.#inferences.set(key, row);
      for (const object of objectsOf(row)) this.#named.set(object, "inference");
      return;
    }
    this.#inferences.delete(key);
    const keptMs = (this.#accounts.get(row.accountId)?.retentionSeconds ?? 0) * 1_000;
    const leftMs = (row.finishedAt ?? Infinity) + keptMs - this.#world.now();
    if (by.kind !== "sweep" || leftMs > 0)
      this.#world.violate("kept until its time", `${row.id} is removed ${leftMs} ms early by ${by.kind}`);
  }

  #seeTold(accountId: string, key: string, bytes: number): void {
    this.#count(accountId, 0, bytes - (this.#told.get(key) ?? 0));
    if (bytes > 0) this.#told.set(key, bytes);
    else this.#told.delete(key);
  }

  #count(accountId: string, bytes: number, rowBytes: number): void {
    this.#recounts.set(accountId, (this.#recounts.get(accountId) ?? 0) + bytes);
    this.#rowRecounts.set(accountId, (this.#rowRecounts.get(accountId) ?? 0) + rowBytes);
  }

  /** Somebody asks for a file's end: from now on its object may go before its row. */
  isUnwanted(file: Pick<FileRow, "accountId" | "id">): void {
    this.#unwanted.add(fileKey(file));
  }

  /** An object is about to go. */
  judgeDelete(key: string): void {
    const by = this.#named.get(key);
    if (by === undefined || this.#unwanted.has(key)) return;
    if ((this.#files.get(key)?.expiresAt ?? Infinity) <= this.#world.now()) return;
    this.#world.violate("no row without its object", `${key} goes while a row of a ${by} names it`);
  }

  /** A client was told that its file is there. */
  judgeAccepted(file: Pick<FileRow, "accountId" | "id">, bytes: number): void {
    const key = fileKey(file);
    if (this.#unwanted.has(key)) return;
    if (this.#world.sizeOf(key) !== bytes)
      this.#world.violate("a file that was accepted is there", `${key} has ${this.#world.sizeOf(key)} bytes of ${bytes}`);
  }

  /** Whether any row knows of it: names it, or, of a file, is still uploading it. */
  isKnown(key: string): boolean {
    return this.#named.has(key) || this.#files.has(key);
  }
}

function fileKey({ accountId, id }: Pick<FileRow, "accountId" | "id">): string {
  return `files/${accountId}/${id}`;
}

/** What counts of a file or an inference, in the row or in the bucket: 8 KiB at least, since its row takes room too. */
function chargeOf(bytes: number): number {
  return Math.max(8_192, bytes);
}

/** Metadata counts, except for the two braces around it; no client here sends any. */
function bytesOf(row: InferenceRow): number {
  return chargeOf(row.dataRemovedAt === null ? row.inputBytes + (row.outputBytes ?? 0) + row.partsBytes : 0);
}

/** What a row counts as of its account's share of the database: 2 KiB at least. */
function rowChargeOf(bytes = 0): number {
  return Math.max(2_048, bytes);
}

/** The braces of empty metadata count; what grows from event to event, in whole steps. */
function rowBytesOf({ input, output, log, error, webhook, outputParts }: InferenceRow): number {
  const growing = sizeOf(log) + sizeOf(error) + sizeOf(webhook) + sizeOf(outputParts);
  return rowChargeOf(sizeOf(input) + sizeOf(output) + 2) + growing - (growing % 2_048);
}

/** The row of a delivery or an endpoint: 1 KiB at least. */
function toldChargeOf(bytes: number): number {
  return Math.max(1_024, bytes);
}

function deliveryBytesOf({ url, snapshot, attempts }: DeliveryRow): number {
  return toldChargeOf(sizeOf(url) + sizeOf(snapshot) + sizeOf(attempts));
}

function deliveryKey({ accountId, inferenceId, sequence, webhookId }: DeliveryRow): string {
  return `delivery ${accountId}/${inferenceId}/${sequence}/${webhookId}`;
}

function endpointKey({ accountId, url }: EndpointRow): string {
  return `endpoint ${accountId}/${url}`;
}

function sizeOf(text: string | null): number {
  return Buffer.byteLength(text ?? "");
}

function objectsOf(row: InferenceRow | undefined): string[] {
  const parts = JSON.parse(row?.outputParts ?? "[]") as { key: string }[]; // as our statements write it
  return [row?.inputObject, row?.outputObject, ...parts.map(({ key }) => key)].filter((key) => typeof key === "string");
}

function isOpen({ status }: InferenceRow): boolean {
  return status === "queued" || status === "in_progress";
}
