/** Reads from a copy of the database that lags: nothing is missed, and who changed something sees it. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { BOOKMARK } from "../../src/http/bookmark.ts";
import { changeStatements, redriveInference } from "../../src/inferences/sql/change.ts";
import { handle } from "../../src/router.ts";
import { claimed, queued, submitted } from "./support/inferences.ts";
import { ports, stillEnv } from "./support/ports.ts";
import { ORIGIN, object } from "./support/requests.ts";
import { newModel, newTenant, served } from "./support/tenants.ts";

const { key, accountId } = await newTenant({ limits: { read: 1_000, submit: 1_000, cancel: 1_000 } });
const model = await newModel();

/**
 * The real database as its primary, and a copy that stands still: of each statement it gives the rows that it gave before, and none
 * of one that is new to it. `follows` lets it be as new as the primary. With a bookmark it waits, so it is.
 */
class LaggingDatabase {
  follows = false;
  /** Where questions went: to the copy, to the primary, or to the copy with that bookmark. */
  readonly asked: string[] = [];
  readonly #rows = new Map<string, unknown[]>();
  #changes = 0;

  readonly withSession = (constraint: string) => {
    const real = env.DB.withSession("first-primary");
    const isPrimary = constraint === "first-primary";
    const ask = async (text: string, params: unknown[]) => {
      this.asked.push(isPrimary ? "primary" : constraint === "first-unconstrained" ? "copy" : constraint);
      const statement = real.prepare(text).bind(...params);
      const answer = await statement.all();
      if (isPrimary) return answer;
      const name = JSON.stringify([text, params]);
      if (this.follows || constraint !== "first-unconstrained") this.#rows.set(name, answer.results);
      return { ...answer, results: this.#rows.get(name) ?? [], meta: { ...answer.meta, served_by_primary: false } };
    };
    return {
      prepare: (text: string) => ({
        bind: (...params: unknown[]) => ({ all: () => ask(text, params), real: real.prepare(text).bind(...params) }),
      }),
      batch: (statements: { real: D1PreparedStatement }[]) => {
        this.asked.push("primary");
        return real.batch(statements.map((statement) => statement.real));
      },
      getBookmark: () => bookmark(++this.#changes),
    };
  };
}

const bookmark = (change: number) => `0000000a-${String(change).padStart(8, "0")}-00000000-${"0".repeat(32)}`;

let database = new LaggingDatabase();
let worker = stillEnv({ DB: database });

beforeEach(() => {
  database = new LaggingDatabase();
  worker = stillEnv({ DB: database });
});

const send = (method: string, path: string, headers: Record<string, string> = {}, environment = worker) =>
  handle(
    new Request(ORIGIN + path, { method, headers: { Authorization: `Bearer ${key}`, ...headers } }),
    environment,
    createExecutionContext(),
  );

/** Where the questions of a call went. */
async function askedBy<T>(call: () => Promise<T>): Promise<[T, string[]]> {
  database.asked.length = 0;
  const answer = await call();
  return [answer, [...database.asked]];
}

test("what a copy does not have yet is looked for at the primary before it is a 404", async () => {
  const id = await submitted(key, model);
  const [found, asked] = await askedBy(() => send("GET", `/v1/inferences/${id}`));
  expect([found.status, (await object(found))["status"], asked]).toEqual([200, "queued", ["copy", "primary"]]);
  const [missed, askedThen] = await askedBy(() => send("GET", `/v1/inferences/${crypto.randomUUID()}`));
  expect([missed.status, askedThen]).toEqual([404, ["copy", "primary"]]);
});

test("a copy that has it answers alone, and several in one question, though one of them is missing", async () => {
  const ids = [await submitted(key, model), await submitted(key, model)];
  database.follows = true;
  const [found, asked] = await askedBy(() => send("GET", `/v1/inferences/${ids[0]}`));
  expect([found.status, asked]).toEqual([200, ["copy"]]);
  const many = await Promise.all([...ids, ...ids, ...ids, crypto.randomUUID()].map((id) => send("GET", `/v1/inferences/${id}`)));
  expect(many.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 404]);
});

test("who cancels is told a bookmark, and sees the cancel with it wherever it asks; this isolate shows it without", async () => {
  const id = await submitted(key, model);
  database.follows = true;
  expect((await object(send("GET", `/v1/inferences/${id}`)))["status"]).toBe("queued");
  database.follows = false;
  const canceled = await send("POST", `/v1/inferences/${id}/cancel`);
  const told = String(canceled.headers.get(BOOKMARK));
  expect(told).toMatch(/^0000000a-0000000[1-9]-/);
  const elsewhere = stillEnv({ DB: database });
  const [old, askedWithout] = await askedBy(() => send("GET", `/v1/inferences/${id}`, {}, elsewhere));
  expect([(await object(old))["status"], askedWithout]).toEqual(["queued", ["copy"]]);
  const [seen, asked] = await askedBy(() => send("GET", `/v1/inferences/${id}`, { [BOOKMARK]: told }, elsewhere));
  expect([(await object(seen))["status"], asked]).toEqual(["canceled", [told]]);
  const [here] = await askedBy(() => send("GET", `/v1/inferences/${id}`));
  expect((await object(here))["status"]).toBe("canceled");
});

test("a bookmark from elsewhere holds up nobody else's question", async () => {
  const id = await submitted(key, model);
  const ahead = bookmark(9_999);
  const [answers, asked] = await askedBy(() =>
    Promise.all(Array.from({ length: 12 }, (_, nth) => send("GET", `/v1/inferences/${id}`, nth === 6 ? { [BOOKMARK]: ahead } : {}))),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(asked.filter((where) => where === ahead)).toEqual([ahead]);
});

test("what is no bookmark is refused by its name, and a read tells none", async () => {
  const id = await submitted(key, model);
  const refused = await send("GET", `/v1/inferences/${id}`, { [BOOKMARK]: "first-primary" });
  expect([refused.status, (await object(refused))["detail"]]).toEqual([
    400,
    'The header X-D1-Bookmark must be as an answer gave it, and is "first-primary".',
  ]);
  expect((await send("GET", `/v1/inferences/${id}`)).headers.has(BOOKMARK)).toBe(false);
});

test("a place in a stream of an attempt that a copy does not know of is taken, and goes on from it, whatever end the copy still shows", async () => {
  const lane = await served();
  const id = await queued(lane, { accountId, resumable: true });
  const { db, streams } = ports();
  const word = (said: string) => new TextEncoder().encode(`data: ${said}\n\n`);
  const begins = async (lease: string) => {
    const claim = await claimed(lane, lease);
    await streams.append(accountId, id, claim.attempt, 0, word("one"));
    return claim;
  };
  const read = (after: string) => send("GET", `/v1/inferences/${id}/stream?after=${after}`);
  const copyFollows = async () => {
    database.follows = true;
    await (await read("x")).body?.cancel();
    database.follows = false;
  };
  const end = word("one").byteLength;
  await copyFollows();
  expect((await read(`1.${end}`)).status).toBe(400);
  const first = await begins("a");
  const taken = await read(`1.${end}`);
  expect(taken.status).toBe(200);
  await taken.body?.cancel();
  await db.all(changeStatements.fail(first, { class: "model", code: "model_failed", message: "It failed.", status: 500 }));
  await copyFollows();
  expect(await redriveInference(db, accountId, id)).toMatchObject({ status: "queued" });
  const undone = await read(`1.${end}.end`);
  expect(undone.status).toBe(200);
  await undone.body?.cancel();
  await begins("b");
  const answers = [await read(`2.${end}`), await read(`1.${end}.end`), await read("")];
  await streams.append(accountId, id, 2, end, word("two"));
  for (const answer of answers) {
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("two")) {
      const next = await reader?.read();
      if (next?.value === undefined) break;
      text += next.value;
    }
    await reader?.cancel();
    expect(text).toContain(`id: 2.${2 * end}\ndata: two\n\n`);
    expect(text).not.toContain("final");
  }
});
