/**
 * The Durable Object that tells watchers: an account's first, and more of them when it is full. Each watcher is a WebSocket from
 * the Worker that serves the client, tagged by what it watches, and the platform keeps it while the object sleeps: a watch that
 * nothing happens to costs nothing. Nothing else is kept: the rows are the truth, and a socket that is lost is opened again.
 */
import { DurableObject } from "cloudflare:workers";
import { WATCHERS_PER_OBJECT } from "../limits.ts";
import type { Row } from "../platform/sql.ts";

export class WatchObject extends DurableObject<Env> {
  /** Opens a socket on which is told of the topic in the query; 503 if there is no room. */
  override async fetch(request: Request): Promise<Response> {
    if (this.ctx.getWebSockets().length >= WATCHERS_PER_OBJECT) return new Response(null, { status: 503 });
    const topic = new URL(request.url).searchParams.get("topic") ?? "";
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [topic]);
    return new Response(null, { status: 101, webSocket: client });
  }

  async tell(rows: readonly Row[]): Promise<void> {
    for (const row of rows) {
      const sockets = this.ctx.getWebSockets(String(row["id"]));
      if (sockets.length === 0) continue;
      const text = JSON.stringify(row);
      for (const socket of sockets) send(socket, text);
    }
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    socket.close();
  }
}

/** Sends to one that may have closed meanwhile. */
function send(socket: WebSocket, text: string): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(text);
}
