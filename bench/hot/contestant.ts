/** What is measured side by side: servers that are filled, each with the requests of the rows that it takes part in. */
import { Agent, request as ask } from "node:http";
import type { LoadRequest } from "./load.ts";

export const ACCOUNTS = 20;
export const KEYS = 200;
/** A second; no row reaches it. */
export const KEY_LIMIT = 10_000;
export const LIMITED_KEY_LIMIT = 20;
/** Finished jobs whose status is asked. */
export const FINISHED = 400;
/** Finished jobs with a result of 1 MiB. */
export const LARGE = 40;
/** Forged keys, more than an isolate remembers. */
export const FORGED = 20_000;
export const WAITING = 20;
/** How many jobs of the live lane run at once. */
export const SLOTS = 32;

export const LIVE = "live";
export const PAUSED = "paused";
export const LONG = "waiting";
export const MIB = "mib";

export interface Row {
  readonly requests: readonly LoadRequest[];
  /** Whether a client wants these answers: what is refused is counted, and checked. */
  readonly answers: "success" | "refusal";
  /** It fills the live lane, which has to be empty before something else is measured. */
  readonly fills?: boolean;
}

export interface Contestant {
  readonly name: string;
  readonly url: string;
  /** Of the processes that do its work. */
  readonly pids: readonly number[];
  readonly rows: Readonly<Record<string, Row>>;
  /** How many jobs of the live lane are not final; null for what has none. */
  readonly open: (() => Promise<number>) | null;
  stop(): Promise<void>;
}

/** The answer's body; throws for another status. */
export function call(url: string, { method, path, headers, body }: LoadRequest, wanted: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const sending = ask(
      url + path,
      { method, agent, headers: { ...headers, "Content-Length": Buffer.byteLength(body ?? "") } },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
        response.on("end", () => {
          if (response.statusCode === wanted) resolve(text);
          else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${text.slice(0, 500)}`));
        });
      },
    );
    sending.on("error", reject).end(body);
  });
}

const agent = new Agent({ keepAlive: true });

/** Does the work for each item, so many at once; the results in the items' order. */
export async function pool<Item, Result>(items: readonly Item[], width: number, work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as Item); // within its length
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

export const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** One of a list that is not empty, from the beginning again after its last. */
export function nth<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined) throw new Error("the list is empty");
  return item;
}
