/**
 * The Durable Object that tells watchers: an account's first, and more of them when it is full. Each watcher is a WebSocket from
 * the Worker that serves the client, tagged by what it watches, and the platform keeps it while the object sleeps: a watch that
 * nothing happens to costs nothing. Of one inference nothing is kept: the row is the truth, and a socket that is lost is opened
 * again. Of a whole account the latest events are (account-events.ts), while somebody watches it.
 */
import { DurableObject } from "cloudflare:workers";
import { AccountEvents } from "../inferences/account-events.ts";
import { changedSince, rowsToTell } from "../inferences/sql/watch.ts";
import { DATABASE_MS, EVENTS_LOOK_MS, EVENTS_NEWEST, WATCHERS_PER_OBJECT } from "../limits.ts";
import { logError } from "../platform/log.ts";
import { type Row, d1 } from "../platform/sql.ts";
import { ALL, type Told } from "../ports.ts";

export class WatchObject extends DurableObject<Env> {
  #kept: AccountEvents | null = null;

  get #events(): AccountEvents {
    const { sql } = this.ctx.storage;
    this.#kept ??= new AccountEvents(
      (query, ...params) => sql.exec(query, ...params).toArray(),
      () => Date.now(),
    );
    return this.#kept;
  }

  /** Opens a socket on which is told of the topic in the query, after the event in it; 503 if there is no room. */
  override async fetch(request: Request): Promise<Response> {
    if (this.ctx.getWebSockets().length >= WATCHERS_PER_OBJECT) return new Response(null, { status: 503 });
    const query = new URL(request.url).searchParams;
    const topic = query.get("topic") ?? "";
    const after = query.get("after");
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [topic]);
    if (topic === ALL) {
      this.#events.begin(crypto.randomUUID());
      const { told, isAll } = this.#events.from(after);
      for (const it of told) server.send(JSON.stringify(it));
      if (!isAll) server.close(1000, "go on after the last"); // what has come since would follow a gap
      if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now() + EVENTS_LOOK_MS);
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  async tell(rows: readonly Row[]): Promise<void> {
    for (const row of rows) this.#send(String(row["id"]), [{ row }]);
    this.#tellAll(rows);
  }

  /** Tells who watches the whole account, or may come back. A row with nothing new in its log tells of progress, which is not kept. */
  #tellAll(rows: readonly Row[]): void {
    const told = this.ctx.storage.transactionSync(() => {
      const events = this.#events.note(rows);
      const news = new Set(events.map(({ row }) => row));
      const others = rows.filter((row) => !news.has(row) && this.#events.isProgress(row));
      return [...events, ...others.map((row) => ({ row }))];
    });
    this.#send(ALL, told);
  }

  #send(topic: string, told: readonly Told[]): void {
    const sockets = told.length > 0 ? this.ctx.getWebSockets(topic) : [];
    if (sockets.length === 0) return;
    for (const text of told.map((it) => JSON.stringify(it))) {
      for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.send(text);
    }
  }

  /** While somebody watches the whole account: looks at what was not heard of for long, or never, since a tell may be lost. */
  override async alarm(): Promise<void> {
    if (this.ctx.getWebSockets(ALL).length === 0) return this.#events.left();
    await this.ctx.storage.setAlarm(Date.now() + EVENTS_LOOK_MS);
    const [accountId = ""] = (this.ctx.id.name ?? "").split("/");
    const db = d1(this.env.DB, DATABASE_MS);
    try {
      const changed = await changedSince(db, accountId, EVENTS_NEWEST, this.#events.changedSince);
      const ids = new Set([...this.#events.neglected(), ...this.#events.unheard(changed)]);
      const names = [...ids].map((id) => [accountId, id] as const);
      if (names.length > 0) this.#tellAll(await rowsToTell(db, names));
    } catch (error) {
      logError("neglected_not_looked_at", error, { account: accountId });
    }
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    socket.close();
    this.#gone(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#gone(socket);
  }

  #gone(socket: WebSocket): void {
    const isLast = this.ctx.getTags(socket).includes(ALL) && !this.ctx.getWebSockets(ALL).some((other) => other !== socket);
    if (isLast) this.#events.left();
  }
}
