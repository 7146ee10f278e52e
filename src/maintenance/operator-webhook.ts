/** What the operator's webhook is sent: Standard Webhooks, as an account's is, with a sentence for people beside it. */
import { WEBHOOK_TIMEOUT_MS } from "../limits.ts";
import type { Ports } from "../ports.ts";
import { signed } from "../webhooks/call.ts";
import type { SigningKey } from "../webhooks/signature.ts";
import type { AlertType, OverType } from "./alert-conditions.ts";

/** The operator's own settings: the address is not judged as a client's is, since it may well lead inward. */
export interface OperatorWebhook {
  readonly url: string;
  /** `whsec_…`; null: what is sent has the signature of the deployment's key alone. */
  readonly secret: string | null;
  readonly signingKey: () => Promise<SigningKey>;
  /** Which deployment this is: where clients reach it; null if that is not set. */
  readonly deployment: string | null;
}

type Data = Readonly<Record<string, unknown>>;

/** To try it out. */
export const OPERATOR_PING = "operator.ping";
type EventType = AlertType | OverType | typeof OPERATOR_PING;

export interface OperatorEvent {
  /** The same at each try. */
  readonly id: string;
  readonly type: EventType;
  readonly data: Data;
  /** When it was noticed, in ms. */
  readonly changedAt: number;
}

/** A value in a sentence. */
const shown = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");
/** More words where there is a value. */
const ifAny = (value: unknown, words: (text: string) => string): string => (shown(value) === "" ? "" : words(shown(value)));

const laneIn = ({ model, version }: Data) => `The model ${shown(model)}${ifAny(version, (text) => `, version ${text},`)}`;
const backendIn = ({ backend_id: id, model }: Data) => `The backend ${shown(id)} of the model ${shown(model)}`;
const accountIn = ({ account_id: id, name }: Data) => `The account ${shown(id)}${ifAny(name, (text) => ` (${text})`)}`;
const causeIn = ({ last_error: error }: Data) =>
  typeof error === "object" && error !== null && "code" in error ? `: ${shown(error.code)}` : "";
const shareOf = ({ bytes, limit_bytes: limit }: Data) => `${Math.round((Number(bytes) / Number(limit)) * 100)} %`;

/** What it says to people: what happened, and what to do. */
const SENTENCES: Readonly<Record<EventType, (data: Data) => string>> = {
  [OPERATOR_PING]: () => "The operator's webhook of Claimcheck is set up.",
  "circuit.opened": (data) => {
    const whose = ifAny(data["account_id"], (id) => ` of the account ${id}`);
    const ask = `GET /admin/v1/backends/${shown(data["backend_id"])}/ready`;
    return `${backendIn(data)} fails${causeIn(data)}; it gets no work${whose} until it is proven. Ask ${ask} what its server says.`;
  },
  "circuit.closed": (data) => `${backendIn(data)} works again, or was taken out of service.`,
  "lane.stuck": (data) =>
    `${laneIn(data)} has inferences that have waited since ${shown(data["oldest_queued_at"])}, and runs none. Look whether it has a backend that is active and ready.`,
  "lane.moving": (data) => `${laneIn(data)} has no inferences that stand still any more.`,
  "database.filling": (data) =>
    `The database is ${shareOf(data)} full. Shorten the retention of accounts, or delete inferences: submits are refused when it is full.`,
  "database.full": (data) =>
    `The database is ${shareOf(data)} full, and submits are refused. Shorten the retention of accounts, or delete inferences.`,
  "database.ok": () => "The database has room again.",
  "endpoint.resting": (data) =>
    `${accountIn(data)} has an endpoint at ${shown(data["origin"])} that has failed for a day; deliveries to it are held until the account enables it.`,
  "endpoint.resumed": (data) => `${accountIn(data)} has its endpoint at ${shown(data["origin"])} called again.`,
  "budget.warned": (data) => `${accountIn(data)} has spent most of its budget of ${shown(data["monthly_budget"])} for this month.`,
  "budget.spent": (data) =>
    `${accountIn(data)} has spent its budget of ${shown(data["monthly_budget"])} for this month; its submits are refused until the month is over or the budget is raised.`,
  "budget.renewed": (data) => `${accountIn(data)} is within its budget again.`,
};

/** What came of one try. */
interface Said {
  readonly taken: boolean;
  readonly status: number | null;
  readonly why: string;
}

/** One try. Never rejects, and never says the address: it may hold a secret. Redirects are not followed. */
export async function tellOperator(
  { internet: { fetch, clock } }: Pick<Ports, "internet">,
  { url, secret, signingKey, deployment }: OperatorWebhook,
  { id, type, data, changedAt }: OperatorEvent,
): Promise<Said> {
  const text = SENTENCES[type](data);
  const body = JSON.stringify({ type, timestamp: new Date(changedAt).toISOString(), text, data: { deployment, ...data } });
  try {
    const message = await signed(id, body, {}, clock.now(), secret === null ? [] : [secret], await signingKey());
    const response = await fetch(url, { method: "POST", ...message, redirect: "manual", signal: clock.timeout(WEBHOOK_TIMEOUT_MS) });
    await response.body?.cancel();
    const isRedirect = response.status >= 300 && response.status < 400;
    return { taken: response.ok, status: response.status, why: response.ok ? "" : isRedirect ? "redirects are not followed" : "refused" };
  } catch (error) {
    return { taken: false, status: null, why: error instanceof Error ? error.name : "unknown" };
  }
}
