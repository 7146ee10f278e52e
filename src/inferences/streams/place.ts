/**
 * PURE. Places in a stream that is kept: which attempt has written it, and how many bytes of it come before. An event's id is the
 * place right after it, so who sends it back goes on with the next event, whoever kept the bytes in between.
 */
import { joined } from "../../encoding/chunks.ts";

export interface StreamPlace {
  /** 0: of whichever attempt writes. */
  readonly attempt: number;
  /** In bytes. */
  readonly offset: number;
}

export const START: StreamPlace = { attempt: 0, offset: 0 };

export const placeText = ({ attempt, offset }: StreamPlace): string => `${attempt}.${offset}`;

/** Null for what is no such place. */
export function placeOf(text: string): StreamPlace | null {
  const [, attempt, offset] = /^([1-9]\d{0,5})\.(0|[1-9]\d{0,11})$/.exec(text) ?? [];
  return attempt === undefined || offset === undefined ? null : { attempt: Number(attempt), offset: Number(offset) };
}

const LF = 10;

/** An event ends in two of these. */
export const EVENT_END_BYTES = 2;

/** Whether bytes begin with the end of an event. */
export function isEventEnd(pieces: readonly Uint8Array[]): boolean {
  const end = joined(pieces.map((piece) => piece.subarray(0, EVENT_END_BYTES))).subarray(0, EVENT_END_BYTES);
  return end.byteLength === EVENT_END_BYTES && end.every((byte) => byte === LF);
}

/** Cuts a stream's bytes behind whole events, wherever they were cut on their way. */
export class EventCutter {
  /** Of the first byte that was not given out yet. */
  #begins: number;
  /** The beginning of an event, in pieces: joined once its end has come, since it may be large and come in many. */
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  constructor(begins: number) {
    this.#begins = begins;
  }

  /** How far the stream has been taken in. */
  get takenIn(): number {
    return this.#begins + this.#restBytes;
  }

  /** The whole events up to here, each with the offset behind it. */
  take(bytes: Uint8Array): { readonly event: Uint8Array; readonly end: number }[] {
    const events: { event: Uint8Array; end: number }[] = [];
    let begin = 0;
    for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
      const before = at > begin ? bytes[at - 1] : begin === 0 ? this.#rest.at(-1)?.at(-1) : undefined;
      if (before !== LF) continue;
      const event = joined([...this.#rest, bytes.subarray(begin, at + 1)]);
      this.#begins += event.byteLength;
      events.push({ event, end: this.#begins });
      this.#rest = [];
      this.#restBytes = 0;
      begin = at + 1;
    }
    if (begin < bytes.byteLength) this.#rest.push(bytes.slice(begin));
    this.#restBytes += bytes.byteLength - begin;
    return events;
  }
}
