/** A call of a route of the API that reads, as the router hands it on. */
import type { KeyCall } from "../../../src/http/route.ts";
import type { AccountShape } from "../shape.ts";

const ORIGIN = "https://claimcheck.example.com";

interface Asked extends Pick<KeyCall, "ports" | "after" | "requestId" | "admissions" | "lookUps"> {
  readonly account: AccountShape;
  readonly path: string;
  /** Of the inference that the path names, if it does. */
  readonly id: string | null;
  readonly lastEventId: string | null;
  /** What its client would rather have. */
  readonly prefer?: string;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

export function callOf({ account, path, id, lastEventId, prefer, signal, ...more }: Asked): KeyCall {
  const url = new URL(`${ORIGIN}${path}`);
  const headers = new Headers({
    ...(lastEventId === null ? {} : { "Last-Event-ID": lastEventId }),
    ...(prefer === undefined ? {} : { Prefer: prefer }),
  });
  const call = {
    ...more,
    request: { method: "GET", url: url.href, headers, signal },
    url,
    params: id === null ? {} : { id },
    caller: { accountId: account.id, keyId: account.keyId, digest: account.digest },
    origin: ORIGIN,
    dialectOf: () => null,
  };
  return call as unknown as KeyCall; // the rest of a call is not looked at by these routes
}
