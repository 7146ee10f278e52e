/** The ways of the repertoire, done by a simulated server: what comes over its connection, piece by piece, and how that ends. */
import type { Behaviour } from "../../support/gpu.ts";
import { REPERTOIRE, type Speech, type Unkindness } from "../../support/repertoire.ts";
import type { Random } from "../random.ts";

/** What a server can do with a call. */
export interface Wire {
  later(ms: number, run: () => void): void;
  whole(text: string, status: number, headers: Record<string, string>): void;
  head(response: Response): void;
  broken(): void;
  closed(): void;
  stream(controller: ReadableStreamDefaultController<Uint8Array>): Stream;
}

export interface Stream {
  push(part: Uint8Array): void;
  end(): void;
}

/** A simulated server answers well in its own words. */
export const WAYS: readonly Unkindness[] = REPERTOIRE.filter(({ does }) => does.does !== "echo");

export function waysOf(speaks: Speech, ways: readonly Unkindness[] = WAYS): readonly Unkindness[] {
  return ways.filter((way) => way.speaks.includes(speaks));
}

/** What an input can make of a healthy server, which answers at once: an error, a refusal, something odd. */
export const BAD_ENDS: readonly Unkindness[] = WAYS.filter(
  ({ does, comesTo }) =>
    does.does === "answer" &&
    comesTo.to === "failure" &&
    (does.status === 500 || comesTo.code === "backend_rejected" || comesTo.code === "backend_garbage"),
);

/** Does it, after `afterMs`; says when all has been said. Never where the server never says anything. */
export function perform(does: Behaviour, afterMs: number, wire: Wire, random: Random, said: () => void): void {
  switch (does.does) {
    case "answer":
      return wire.later(afterMs, () => {
        said();
        wire.whole(does.body, does.status, does.headers);
      });
    case "raw": {
      const [head = "", body = ""] = does.bytes.split("\r\n\r\n");
      const isHttp = head.startsWith("HTTP/1.1 200 ");
      if (!isHttp && does.after === "nothing") return;
      if (!isHttp)
        return wire.later(afterMs, () => {
          said();
          wire.broken();
        });
      // Of a chunked body the one chunk, without its length.
      const text = /^transfer-encoding: chunked/im.test(head) ? body.split("\r\n").slice(1).join("") : body;
      const length = /^content-length: (\d+)/im.exec(head)?.[1];
      const headers = { "Content-Type": "application/json", ...(length === undefined ? {} : { "Content-Length": length }) };
      return inPieces({ headers, pieces: [text], ends: "reset" }, afterMs, wire, random, said);
    }
    case "stream": {
      const { sends, ends } = does.form;
      return inPieces({ headers: { "Content-Type": "text/event-stream" }, pieces: sends, ends }, afterMs, wire, random, said);
    }
    case "echo":
    case "flood":
    case "chat":
    case "gush":
      throw new Error(`A simulated server can't do "${does.does}"`);
    default:
      return does satisfies never;
  }
}

interface Pieces {
  readonly headers: Record<string, string>;
  readonly pieces: readonly string[];
  readonly ends: "close" | "reset";
}

function inPieces({ headers, pieces, ends }: Pieces, afterMs: number, wire: Wire, random: Random, said: () => void): void {
  const streams: Stream[] = [];
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => void streams.push(wire.stream(controller)),
    cancel: () => wire.closed(),
  });
  wire.later(afterMs, () => {
    wire.head(new Response(body, { headers }));
    const send = (index: number) => {
      const piece = pieces[index];
      if (piece === undefined) {
        said();
        return ends === "close" ? streams[0]?.end() : wire.broken();
      }
      streams[0]?.push(new TextEncoder().encode(piece));
      wire.later(random.int(0, 50), () => send(index + 1));
    };
    send(0);
  });
}
