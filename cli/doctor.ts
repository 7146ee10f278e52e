/** `doctor`: a deployment from end to end, as its clients and its operator meet it: what is wrong, and the cure. */
import { bold, dim, green, red } from "../src/local/terminal.ts";
import type { Api } from "./api.ts";
import { ApiError } from "../client/typescript/errors.ts";
import { CommandError, EXIT, causeOf } from "./errors.ts";
import { printValue, printable } from "./print.ts";

interface Check {
  readonly name: string;
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly detail: string;
  readonly cure: string | null;
}

const CLOCK_SECONDS = 30;

const MARKS = { ok: green("ok"), warning: "warning", failed: red("FAILED"), skipped: dim("skipped") };

export async function doctor(api: Api): Promise<void> {
  const { output } = api;
  const checks: Check[] = [];
  const add = (check: Check) => {
    checks.push(check);
    if (output.json) return printValue(output, check);
    output.line(
      `${MARKS[check.state].padEnd(MARKS[check.state].length + 8 - check.state.length)} ${bold(check.name)}: ${printable(check.detail)}`,
    );
    if (check.cure !== null && check.state !== "ok") output.line(`         ${dim("->")} ${printable(check.cure)}`);
  };
  const reached = await checkAddress(api);
  reached.forEach(add);
  if (!reached.some(({ state }) => state === "failed")) {
    add(await checkKey(api));
    for (const check of await checkParts(api)) add(check);
  }
  const failed = checks.filter(({ state }) => state === "failed").length;
  const warnings = checks.filter(({ state }) => state === "warning").length;
  if (failed === 0 && output.isTerminal)
    output.note(dim(warnings === 0 ? "All is well." : `Nothing failed; ${warnings === 1 ? "1 warning" : `${warnings} warnings`}.`));
  if (failed > 0) throw new CommandError(`${failed} of ${checks.length} checks failed`, EXIT.failed);
}

async function checkAddress({ settings: { url } }: Api): Promise<Check[]> {
  const begun = Date.now();
  let answer: Response;
  try {
    answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(10_000), redirect: "manual" });
    await answer.body?.cancel();
  } catch (error) {
    return [
      {
        name: "address",
        state: "failed",
        detail: `${url} does not answer: ${causeOf(error)}`,
        cure: "Look at the address, and whether the Worker is deployed.",
      },
    ];
  }
  const ms = Date.now() - begun;
  if (answer.status !== 200) {
    return [
      {
        name: "address",
        state: "failed",
        detail: `${url}/healthz answers ${answer.status}.`,
        cure: "Look at the Worker's log: wrangler tail",
      },
    ];
  }
  const address: Check = { name: "address", state: "ok", detail: `${url} answers in ${ms} ms.`, cure: null };
  const date = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isNaN(date)) return [address];
  const apart = Math.round((Date.now() - ms / 2 - date) / 1000);
  const cure = "Set this machine's clock: webhooks that it signs or verifies would be refused.";
  const near = Math.abs(apart) <= CLOCK_SECONDS;
  return [
    address,
    {
      name: "clock",
      state: near ? "ok" : "warning",
      detail: `This machine's clock is ${Math.abs(apart)} s ${apart < 0 ? "behind" : "ahead"}.`,
      cure: near ? null : cure,
    },
  ];
}

async function checkKey(api: Api): Promise<Check> {
  if (!api.settings.key) return { name: "key", state: "skipped", detail: "No key is named.", cure: null };
  try {
    const models = await api.call("GET", "/v1/models");
    const count = (models["data"] as unknown[]).length; // as the API has it
    return {
      name: "key",
      state: "ok",
      detail: `It is accepted, and there ${count === 1 ? "is 1 model" : `are ${count} models`}.`,
      cure: null,
    };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { name: "key", state: "failed", detail: error.message, cure: "Make another one: claimcheck keys create --account ID" };
  }
}

/** What the deployment finds when it tries its own parts. */
async function checkParts(api: Api): Promise<Check[]> {
  if (!api.settings.adminToken) {
    return [
      { name: "parts", state: "skipped", detail: "Database, queue, storage and backends are checked with --admin-token.", cure: null },
    ];
  }
  try {
    const { checks } = await api.operate("POST", "/checks", { repeatable: true });
    return checks as Check[]; // as POST /admin/v1/checks answers
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [{ name: "parts", state: "failed", detail: error.message, cure: "Look at ADMIN_TOKEN, and at the Worker's log: wrangler tail" }];
  }
}
