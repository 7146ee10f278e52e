/** A receiver of webhooks on this machine, which takes every call. */
import { type IncomingHttpHeaders, createServer } from "node:http";
import { listening } from "./listening.ts";

export interface Told {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  /** The calls so far, in the order in which they came. */
  readonly told: readonly Told[];
  readonly close: () => void;
}

export async function startReceiver(): Promise<Receiver> {
  const told: Told[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request
      .setEncoding("utf8")
      .on("data", (text: string) => (body += text))
      .on("end", () => {
        told.push({ headers: request.headers, body });
        response.end();
      });
  });
  const url = `${await listening(server)}/done`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url, told, close };
}
