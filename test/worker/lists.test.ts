/** Lists and counts of inferences, and bulk changes by the same filters. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { IDS_ASKED, LISTED_CHARACTERS, LISTED_ROWS } from "../../src/limits.ts";
import { listPage, listStatements } from "../../src/inferences/sql/list.ts";
import type { Filter } from "../../src/inferences/sql/filter.ts";
import { STATUSES } from "../../src/inferences/status.ts";
import { queued } from "./support/inferences.ts";
import { still } from "./support/ports.ts";
import { as, object, operator, seen } from "./support/requests.ts";
import { type Tenant, newModel, newTenant } from "./support/tenants.ts";

interface Listed {
  readonly data: readonly { readonly id: string; readonly status: string; readonly [member: string]: unknown }[];
  readonly next: string | null;
  readonly previous: string | null;
  readonly missing?: readonly string[];
}

const list = async (key: string, query: string) => (await object(as(key, "GET", `/v1/inferences?${query}`))) as unknown as Listed; // as documented
const refused = async (key: string, query: string) => {
  const { status, body } = await seen(as(key, "GET", `/v1/inferences?${query}`));
  const { errors = [], detail } = body as { errors?: { pointer: string; detail: string }[]; detail: string }; // problem details
  return { status, says: [detail, ...errors.map((error) => `${error.pointer} ${error.detail}`)].join("; ") };
};

/** Sets columns of a row: what would take a runner, a backend and days. */
async function become(id: string, columns: Record<string, string | number>): Promise<void> {
  const set = Object.keys(columns).map((name) => `${name} = ?`);
  await env.DB.prepare(`UPDATE inferences SET ${set.join(", ")} WHERE id = ?`)
    .bind(...Object.values(columns), id)
    .run();
}

const failure = (kind: string, code: string, message = "No.") => JSON.stringify({ class: kind, code, message, status: 500 });
const DAY_MS = 86_400_000;
const at = (ms: number) => encodeURIComponent(new Date(ms).toISOString());

describe("a filter", () => {
  let tenant: Tenant;
  let other: Tenant;
  let model: string;
  let second: string;
  /** By name. */
  const ids: Record<string, string> = {};
  const names = (listed: Listed) => listed.data.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id) ?? id).toSorted();

  beforeAll(async () => {
    [tenant, other] = [await newTenant(), await newTenant()];
    [model, second] = [await newModel(), await newModel({ versions: ["v1", "v2"], default_version: "v1" })];
    const { accountId, keyId } = tenant;
    const submit = async (name: string, more: Parameters<typeof queued>[1] = {}, of = model) => {
      ids[name] = await queued(of, { accountId, keyId, ...more });
      return ids[name];
    };
    await submit("waits", { metadata: { order: "no-17", shop: "a" } });
    await become(await submit("runs", { dialect: "vody" }), { status: "in_progress", backend_id: "be_1" });
    await become(await submit("done", { metadata: { order: "no-18", shop: "a" } }, second), {
      status: "succeeded",
      output: "{}",
      finished_at: Date.now(),
    });
    await become(await submit("old"), {
      status: "succeeded",
      output: "{}",
      finished_at: Date.now() - DAY_MS,
      created_at: Date.now() - 2 * DAY_MS,
    });
    await become(await submit("refused", { keyId: "another-key" }), {
      status: "failed",
      finished_at: Date.now(),
      error: failure("input", "backend_rejected"),
    });
    await become(await submit("cut"), {
      status: "failed",
      finished_at: Date.now(),
      error: failure("infrastructure", "backend_cut", "It hung up."),
    });
    await become(await submit("late"), {
      status: "expired",
      finished_at: Date.now(),
      error: failure("timeout", "max_time_in_queue_seconds"),
    });
    await become(await submit("stopped"), { status: "canceled", finished_at: Date.now(), stopped: "confirmed" });
    await queued(model, { accountId: other.accountId, metadata: { order: "no-17" } });
  });

  const ALL = ["cut", "done", "late", "old", "refused", "runs", "stopped", "waits"];

  test.each<[query: () => string, picks: string[]]>([
    [() => "", ALL],
    [() => "status=queued", ["waits"]],
    [() => "status=failed,expired", ["cut", "late", "refused"]],
    [() => "status=failed&status=succeeded", ["cut", "done", "old", "refused"]],
    [() => "status=canceled", ["stopped"]],
    [() => `model=${second}`, ["done"]],
    [() => `model=${second}&version=v1`, ["done"]],
    [() => `model=${second}&version=v2`, []],
    [() => "metadata[shop]=a", ["done", "waits"]],
    [() => "metadata[shop]=a&metadata[order]=no-17", ["waits"]],
    [() => "error_class=input", ["refused"]],
    [() => "error_code=backend_cut", ["cut"]],
    [() => "status=failed&error_class=timeout", []],
    [() => "backend=be_1", ["runs"]],
    [() => "dialect=vody", ["runs"]],
    [() => "key=another-key", ["refused"]],
    [() => `created_before=${at(Date.now() - DAY_MS)}`, []],
    [() => `finished_before=${at(Date.now() - DAY_MS / 2)}`, ["old"]],
    [() => `finished_after=${at(Date.now() - DAY_MS / 2)}`, ["cut", "done", "late", "refused", "stopped"]],
    [() => `created_after=${at(Date.now() - DAY_MS)}&status=succeeded`, ["done"]],
    [() => "q=HUNG%20up", ["cut"]],
    [() => "q=NO-17", ["waits"]],
    [() => `q=${ids["stopped"]}`, ["stopped"]],
  ])("%s picks those and no others", async (query, picks) => {
    expect(names(await list(tenant.key, `limit=100&${query()}`))).toEqual(picks);
  });

  test("a text is looked for in metadata as its client wrote it, and not in how it is stored", async () => {
    const searcher = await newTenant();
    const itsModel = await newModel();
    const said = 'say "hi"\\\tthere';
    const id = await queued(itsModel, { accountId: searcher.accountId, metadata: { note: said, more: "x" } });
    const found = async (text: string) => (await list(searcher.key, `q=${encodeURIComponent(text)}`)).data.map((one) => one.id);
    for (const text of ['SAY "hi', '"hi"\\', "note", itsModel, id]) expect(await found(text)).toEqual([id]);
    for (const text of ["{", '":"', '","', "\\t", `${id} `, "x say"]) expect(await found(text)).toEqual([]);
  });

  test("lists the newest first, or the oldest, each as it is shown by itself", async () => {
    const { data } = await list(tenant.key, "status=failed,canceled");
    expect(names({ data, next: null, previous: null })).toEqual(["cut", "refused", "stopped"]);
    expect(data.map(({ id }) => id)).toEqual([ids["stopped"], ids["cut"], ids["refused"]]);
    for (const one of data) expect(one).toEqual(await object(as(tenant.key, "GET", `/v1/inferences/${one.id}`)));
    const oldest = await list(tenant.key, "status=failed,canceled&order=asc");
    expect(oldest.data.map(({ id }) => id)).toEqual(data.map(({ id }) => id).toReversed());
  });

  test("shows only the members that are asked for", async () => {
    expect((await list(tenant.key, "fields=id,status&status=queued")).data).toEqual([{ id: ids["waits"], status: "queued" }]);
  });

  test("lists those of some ids, in their order, and says which are missing, another account's among them", async () => {
    const strangers = await queued(model, { accountId: other.accountId });
    const wanted = [ids["done"], strangers, ids["waits"]].map(String);
    const { data, missing, next } = await list(tenant.key, `ids=${wanted.join(",")}&fields=id`);
    expect({ data, missing, next }).toEqual({ data: [{ id: ids["done"] }, { id: ids["waits"] }], missing: [strangers], next: null });
  });

  test("counts by status, class and code", async () => {
    expect(await object(as(tenant.key, "GET", "/v1/inferences/counts"))).toEqual({
      counts: { queued: 1, in_progress: 1, succeeded: 2, failed: 2, canceled: 1, expired: 1 },
      errors: expect.arrayContaining([
        { class: "input", code: "backend_rejected", status: "failed", count: 1 },
        { class: "infrastructure", code: "backend_cut", status: "failed", count: 1 },
        { class: "timeout", code: "max_time_in_queue_seconds", status: "expired", count: 1 },
      ]),
      next: null,
    });
    expect(await object(as(tenant.key, "GET", "/v1/inferences/counts?metadata[shop]=a&status=succeeded"))).toMatchObject({
      counts: { queued: 0, succeeded: 1 },
    });
  });

  test("is the operator's too, over one account or all, with whose each is", async () => {
    const mine = await object(operator("GET", `/inferences?account_id=${tenant.accountId}&status=failed&fields=status`));
    expect(mine["data"]).toEqual([
      { account_id: tenant.accountId, status: "failed" },
      { account_id: tenant.accountId, status: "failed" },
    ]);
    const both = (await object(operator("GET", `/inferences?model=${model}&status=queued&limit=100`)))["data"] as { account_id: string }[];
    expect(new Set(both.map(({ account_id }) => account_id))).toEqual(new Set([tenant.accountId, other.accountId]));
    expect(await object(operator("GET", `/inferences/counts?account_id=${tenant.accountId}`))).toMatchObject({ counts: { succeeded: 2 } });
  });

  test("names what a bulk redrive would take, by class and code, and then takes it", async () => {
    const redrive = (body: unknown) => object(as(tenant.key, "POST", "/v1/inferences/redrive", body));
    const picked = { model, error_class: "infrastructure" };
    expect(await redrive({ model, dry_run: true })).toMatchObject({
      dry_run: true,
      matched: 3,
      by_error: expect.arrayContaining([{ class: "infrastructure", code: "backend_cut", count: 1 }]),
    });
    expect(await redrive({ ...picked })).toMatchObject({ dry_run: false, redriven: 1, next: null });
    expect(names(await list(tenant.key, "status=queued"))).toEqual(["cut", "waits"]);
    await become(String(ids["cut"]), { status: "failed" });
    expect((await as(tenant.key, "POST", "/v1/inferences/redrive", {})).status).toBe(422);
    const nowhere = await seen(as(tenant.key, "POST", "/v1/inferences/cancel", { model, after: "zz" }));
    expect(nowhere).toMatchObject({ status: 422, body: { errors: [{ pointer: "#/after" }] } });
  });

  test("goes on after a place in a bulk redrive, the operator's too, and looks at nothing before it", async () => {
    const its = await newTenant();
    const lane = await newModel();
    const all = await Promise.all([1, 2, 3].map(() => queued(lane, { accountId: its.accountId })));
    const [one, two, last] = all.toSorted();
    for (const id of all) await become(id, { status: "failed" });
    const counted = async (after: object | undefined) =>
      (await object(operator("POST", "/redrive", { model: lane, dry_run: true, ...(after && { after }) })))["matched"];
    const { accountId: account_id } = its;
    expect(await counted(undefined)).toBe(3);
    expect(await counted({ account_id, id: one })).toBe(2);
    expect(await counted({ account_id, id: last })).toBe(0);
    expect(await counted({ account_id: `${account_id}z`, id: "" })).toBe(0);
    const redriven = await object(operator("POST", "/redrive", { account_id, model: lane, after: { account_id, id: two } }));
    expect(redriven).toMatchObject({ looked_at: 1, redriven: 1, next: null });
    expect(names(await list(its.key, "status=queued&fields=id"))).toHaveLength(1);
    const long = await operator("POST", "/redrive", { model: lane, after: { account_id: "x".repeat(65), id: "" } });
    expect([long.status, JSON.stringify(await object(long))]).toEqual([422, expect.stringContaining("#/after/account_id")]);
  });

  test.each<[query: string, status: number, says: string]>([
    ["stauts=queued", 400, '"stauts"'],
    ["status=done", 422, '"status" must be one of'],
    ["limit=101", 422, '"limit" must be'],
    ["limit=", 422, '"limit" must be a number, and is ""'],
    ["limit=ten", 422, '"limit" must be a number, and is "ten"'],
    [
      "dialect=openapi",
      422,
      '"dialect" must be one of "claimcheck", "vody", "reka", "baseten", "fal", "runpod", "replicate", "oip", "openai", and is "openapi"',
    ],
    ["fields=id,nope", 422, '"fields" must be one of'],
    ["created_after=yesterday", 422, '"created_after" must be a time'],
    ["order=up", 422, '"order" must be'],
    ["after=nonsense", 422, '"after" must be'],
    ["before=abc", 422, "#/before must be the cursor"],
    ["created_after=2026-11-29T10:00:00+01:00", 422, 'is "2026-11-29T10:00:00 01:00"; in a URL, write "+" as "%2B"'],
    ["after=bm9uc2Vuc2U", 422, '"after" must be the cursor of another page of this list'],
    ["ids=1", 422, '"ids" must be'],
    [
      `ids=${Array.from({ length: IDS_ASKED + 1 }, () => crypto.randomUUID()).join(",")}`,
      422,
      `"ids" must be at most ${IDS_ASKED} ids, and are ${IDS_ASKED + 1}`,
    ],
    [`ids=${crypto.randomUUID()}&status=queued`, 422, '"ids" must not come with "status"'],
    ["error_class=bad", 422, '"error_class" must be one of'],
    ["metadata[a]=1&metadata=2", 400, '"metadata" is not how a member of "metadata" is asked for: write "metadata[name]=value"'],
    ["metadata.shop=a", 400, "#/metadata.shop is not how"],
    ["metadata[shop=a", 400, 'write "metadata[name]=value"'],
    ["limit=1&limit=5", 400, '"limit" must be given once, and is given 2 times.'],
    ["after=a&order=asc&after=a&order=asc&after=b", 400, '"after" must be given once, and is given 3 times; "order" must be given once'],
    ["metadata[a]=1&metadata[b]=1&metadata[a]=2", 400, '"metadata[a]" must be given once, and is given 2 times.'],
  ])("%s is refused by name", async (query, status, says) => {
    const answer = await refused(tenant.key, query);
    expect(answer.status).toBe(status);
    expect(answer.says).toContain(says);
  });

  test("what lists values may come several times", async () => {
    const all = await list(tenant.key, "status=queued,succeeded&fields=id&fields=status&metadata[a]=&metadata[b]=");
    expect(all).toEqual(await list(tenant.key, "status=queued&status=succeeded&fields=id,status&metadata[a]=&metadata[b]="));
  });

  test("a cursor that was cut or changed on its way is refused, and not taken for another place", async () => {
    const { next, data } = await list(tenant.key, "limit=1");
    const { previous } = await list(tenant.key, `limit=1&after=${next}`);
    for (const cursor of [String(next), String(previous)]) {
      const cut = Array.from(cursor, (_, length) => cursor.slice(0, length)).slice(1);
      const changed = [`${cursor.slice(0, -1)}${cursor.endsWith("A") ? "B" : "A"}`, `${cursor}A`, ` ${cursor}`, cursor.toLowerCase()];
      for (const wrong of [...cut, ...changed]) {
        const answer = await refused(tenant.key, `after=${encodeURIComponent(wrong)}`);
        expect([wrong, answer.status, answer.says]).toEqual([
          wrong,
          422,
          expect.stringContaining('"after" must be the cursor of another page of this list'),
        ]);
      }
    }
    const bare = btoa(`${atob(String(next)).split(" ").slice(1, 3).join(" ")} ${data[0]?.id ?? ""}`); // a cursor with nothing to tell it by
    expect((await refused(tenant.key, `after=${bare}`)).status).toBe(422);
  });

  test("a cursor of another filter, order or account is refused", async () => {
    const { next } = await list(tenant.key, "limit=1");
    for (const query of [`after=${next}&status=queued`, `after=${next}&order=asc`, `before=${next}&model=${model}`]) {
      expect((await refused(tenant.key, query)).says).toContain("must be a cursor of a list with the same filters and order");
    }
    expect((await refused(other.key, `after=${next}`)).status).toBe(422);
    expect((await refused(tenant.key, `after=${next}&before=${next}`)).says).toContain('must not come with "after"');
  });
});

describe("pages", () => {
  /** Stores so many ended inferences of an account; `odd` are the numbers of those that failed. Their ids sort by their numbers. */
  async function store(accountId: string, count: number, failed: readonly number[] = [], from = 0): Promise<void> {
    await env.DB.prepare(
      `INSERT INTO inferences (account_id, id, key_id, dialect, model, version, status, priority, level, turn, max_time_in_queue_seconds, max_attempts,
        initial_delay_ms, max_delay_ms, metadata, created_at, updated_at, start_by, finished_at, input, input_bytes, input_items, output, error)
      WITH RECURSIVE number (n) AS (SELECT ?2 UNION ALL SELECT n + 1 FROM number WHERE n < ?2 + ?3 - 1)
      SELECT ?1, printf('01800000-0000-7000-8000-%012d', n), 'key', 'claimcheck', 'm', '', iif(n IN (SELECT value FROM json_each(?4)), 'failed', 'succeeded'),
        0, 0, 0, 600, 3, 0, 0, '{}', n, n, n, n, '{}', 2, 1, '{}', iif(n IN (SELECT value FROM json_each(?4)), ?5, NULL) FROM number`,
    )
      .bind(accountId, from, count, JSON.stringify(failed), failure("model", "model_failed"))
      .run();
  }

  const number = ({ id }: { readonly id: string }) => Number(id.slice(-12));

  test("follow one another both ways, by their cursors and by their links, and no inference is left out or comes twice", async () => {
    const { key, accountId } = await newTenant();
    await store(accountId, 11);
    const seenBy: Listed[] = [];
    for (let query = "limit=4"; ;) {
      const answer = await as(key, "GET", `/v1/inferences?${query}`);
      const page = (await object(answer.clone())) as unknown as Listed;
      seenBy.push(page);
      const link = /<([^>]+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
      expect(link === undefined).toBe(page.next === null);
      if (link === undefined) break;
      query = new URL(link).search.slice(1);
    }
    expect(seenBy.map(({ data }) => data.map(number))).toEqual([
      [10, 9, 8, 7],
      [6, 5, 4, 3],
      [2, 1, 0],
    ]);
    expect(seenBy[0]?.previous).toBeNull();
    const back: number[][] = [];
    for (let previous = seenBy.at(-1)?.previous ?? null; previous !== null;) {
      const page = await list(key, `limit=4&before=${previous}`);
      back.push(page.data.map(number));
      expect((await list(key, `limit=4&after=${page.next}`)).data.map(number)).not.toContain(page.data.map(number).at(-1));
      previous = page.previous;
    }
    expect(back).toEqual([
      [6, 5, 4, 3],
      [10, 9, 8, 7],
    ]);
  });

  test("look at a bounded number of inferences each: a page may be empty, and the next goes on", async () => {
    const { key, accountId } = await newTenant();
    await store(accountId, 2 * LISTED_ROWS + 100);
    await env.DB.prepare("UPDATE inferences SET metadata = ? WHERE account_id = ? AND created_at = 5")
      .bind('{"needle":"1"}', accountId)
      .run();
    const found: number[][] = [];
    for (let after: string | null = ""; after !== null;) {
      const page: Listed = await list(key, `metadata[needle]=1${after === "" ? "" : `&after=${after}`}`);
      found.push(page.data.map(number));
      // Back from an empty page comes the one that it followed.
      if (page.data.length === 0 && page.previous !== null) {
        expect((await list(key, `metadata[needle]=1&before=${page.previous}`)).data).toEqual([]);
      }
      after = page.next;
    }
    expect(found).toEqual([[], [], [5]]);
  });

  test("have a bounded length, both ways, and all of what is large comes once", async () => {
    const { key, accountId } = await newTenant();
    await store(accountId, 80);
    await env.DB.prepare("UPDATE inferences SET output_type = 'application/json', output = ? WHERE account_id = ?")
      .bind(JSON.stringify("x".repeat(30_000)), accountId)
      .run();
    const found: number[][] = [];
    let first = "";
    for (let after: string | null = ""; after !== null;) {
      const answer = await as(key, "GET", `/v1/inferences?limit=100${after === "" ? "" : `&after=${after}`}`);
      const text = await answer.text();
      expect(text.length).toBeLessThan(1.1 * LISTED_CHARACTERS);
      const page = JSON.parse(text) as Listed;
      found.push(page.data.map(number));
      after = page.next;
      first = page.previous ?? "";
    }
    expect(found.flat()).toEqual(Array.from({ length: 80 }, (_, place) => 79 - place));
    expect(found.length).toBe(3);
    const back = await list(key, `limit=100&before=${first}`);
    expect(back.data.map(number)).toEqual(found[1]);
    expect((await list(key, `limit=100&before=${back.previous}`)).data.map(number)).toEqual(found[0]);
    expect((await list(key, "limit=100&fields=id")).data).toHaveLength(80);
  });

  test("of some ids have each of them and are of a bounded length, with as many outputs as that lets through", async () => {
    const { key, accountId } = await newTenant();
    await store(accountId, 80);
    const ids = Array.from({ length: 80 }, (_, place) => `01800000-0000-7000-8000-${String(place).padStart(12, "0")}`);
    const output = "x".repeat(30_000);
    await env.DB.prepare("UPDATE inferences SET output_type = 'application/json', output = ? WHERE account_id = ?")
      .bind(JSON.stringify(output), accountId)
      .run();
    const answer = await as(key, "GET", `/v1/inferences?ids=${ids.join(",")}`);
    const text = await answer.text();
    expect(text.length).toBeLessThan(1.1 * LISTED_CHARACTERS);
    const { data, missing, next } = JSON.parse(text) as Listed;
    expect([data.map(({ id }) => id), missing, next]).toEqual([ids, [], null]);
    const whole = data.filter((it) => it.output === output).length;
    expect(data.map((it) => it.output)).toEqual(ids.map((_, place) => (place < whole ? output : null)));
    expect(whole).toBe(32);
    for (const fields of ["id,output", "id,status"]) {
      const some = await list(key, `ids=${ids.join(",")}&fields=${fields}`);
      expect(some.data.map((it) => Object.keys(it))).toEqual(ids.map(() => fields.split(",")));
    }
  });

  test("find what did not succeed in its own index, however much did", async () => {
    const { key, accountId } = await newTenant();
    await store(accountId, 3 * LISTED_ROWS, [7, 1_000]);
    const { data, next } = await list(key, "status=failed");
    expect({ numbers: data.map(number), next }).toEqual({ numbers: [1_000, 7], next: null });
    expect((await list(key, "error_class=model")).data.map(number)).toEqual([1_000, 7]);
  });

  test("hold all that was there the whole time, once each, while others come, end and go", async () => {
    const { key, accountId } = await newTenant();
    await store(accountId, 60);
    const stable = Array.from({ length: 60 }, (_, index) => index).filter((index) => index % 3 !== 0);
    for (const order of ["desc", "asc"]) {
      const numbers: number[] = [];
      let round = 0;
      for (let after: string | null = ""; after !== null; round++) {
        const page: Listed = await list(key, `limit=7&order=${order}${after === "" ? "" : `&after=${after}`}`);
        numbers.push(...page.data.map(number));
        after = page.next;
        await store(accountId, 1, [], (order === "asc" ? 2_000 : 1_000) + round);
        await env.DB.prepare("DELETE FROM inferences WHERE account_id = ? AND created_at = ?")
          .bind(accountId, round * 3)
          .run();
      }
      expect(numbers.filter((one) => stable.includes(one)).toSorted((one, other) => one - other)).toEqual(stable);
      expect(new Set(numbers).size).toBe(numbers.length);
    }
  });

  const FILTERS: Record<string, Partial<Filter>> = {
    none: {},
    "status=queued": { statuses: ["queued"] },
    "status=succeeded": { statuses: ["succeeded"] },
    "status=failed": { statuses: ["failed"] },
    "status=failed,expired&error_code": { statuses: ["failed", "expired"], errorCode: "model_failed" },
    model: { model: "m" },
    "another model": { model: "n" },
    version: { version: "v" },
    metadata: { metadata: { a: "1" } },
    error_class: { statuses: ["failed", "expired"], errorClass: "model" },
    backend: { backendId: "b" },
    dialect: { dialect: "vody" },
    key: { keyId: "k" },
    "created_after, none": { createdAfter: Date.now() },
    finished_before: { finishedBefore: 1 },
    q: { text: "needle" },
  };

  test("of 100 read 2,000 rows at most, whatever the filter, of few and of many", async () => {
    const { accountId } = await newTenant();
    await store(
      accountId,
      20_000,
      Array.from({ length: 2_000 }, (_, index) => index * 10),
    );
    for (const [name, filter] of Object.entries(FILTERS)) {
      const walk = { accountId, from: null, including: false, newestFirst: true };
      const whole = { statuses: STATUSES, ...filter };
      const statements = [listStatements.page(walk, whole, 101), listStatements.lastLookedAt(walk, whole)];
      const results = await env.DB.batch(statements.map(({ text, params }) => env.DB.prepare(text).bind(...params)));
      const read = results.reduce((sum, { meta }) => sum + meta.rows_read, 0);
      expect([name, read, read <= 2_000]).toEqual([name, read, true]);
    }
    expect(
      (await listPage(still().db, { accountId, from: null, including: false, newestFirst: true }, { statuses: ["failed"] }, 100))
        .inferences,
    ).toHaveLength(100);
  });
});
