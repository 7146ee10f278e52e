/** What webhooks were sent, of an inference or of an account, and sending it again. */
import { useState } from "preact/hooks";
import { get, withQuery } from "../api.ts";
import type { Delivery } from "../inferences.ts";
import { Badge, type Tone } from "./badge.tsx";
import { Empty, Failed, Loading, messageOf } from "./states.tsx";
import { Ago, duration } from "./time.tsx";
import { toast } from "./toast.tsx";
import { useLoad } from "./use.ts";

const TONES: Readonly<Record<string, Tone>> = { pending: "wait", succeeded: "good", failed: "bad", canceled: "neutral" };

/** `list` lists them, and below it each is sent again; `version` changes when they may have changed. */
export function Deliveries({
  list,
  version,
  now,
  empty = "Nothing was sent to a webhook",
}: {
  readonly list: string;
  readonly version: string;
  readonly now: number;
  readonly empty?: string;
}) {
  const { data, error, reload } = useLoad(
    (signal) => get<{ readonly deliveries: readonly Delivery[] }>(withQuery(list, { limit: 100 }), { signal }),
    [list, version],
  );
  if (error !== null) return <Failed error={error} retry={reload} />;
  if (!data) return <Loading />;
  if (data.deliveries.length === 0) return <Empty title={empty} />;
  return (
    <ul class="deliveries">
      {data.deliveries.map((delivery) => (
        <li key={delivery.id}>
          <One delivery={delivery} list={list} now={now} reload={reload} />
        </li>
      ))}
    </ul>
  );
}

function One({
  delivery,
  list,
  now,
  reload,
}: {
  readonly delivery: Delivery;
  readonly list: string;
  readonly now: number;
  readonly reload: () => void;
}) {
  const { id, event, url, status, held, created_at, attempts } = delivery;
  const [busy, setBusy] = useState(false);
  const resend = async () => {
    setBusy(true);
    try {
      await get(`${list}/${encodeURIComponent(id)}/resend`, { method: "POST" });
      toast("It is sent again");
      reload();
    } catch (error) {
      toast(messageOf(error), { bad: true });
    }
    setBusy(false);
  };
  return (
    <>
      <div class="spread">
        <div>
          <p>
            <strong>{event}</strong> <Badge tone={TONES[status] ?? "neutral"} text={held ? "held" : status} />
          </p>
          <p class="muted mono">{url}</p>
          <p class="muted">
            <Ago at={created_at} now={now} />
          </p>
        </div>
        <button type="button" disabled={busy} onClick={() => void resend()}>
          Send again
        </button>
      </div>
      {attempts.length > 0 && (
        <ol class="tries">
          {attempts.map(({ at, outcome, status_code, duration_ms, answer, error }) => (
            <li key={at}>
              {status_code ?? outcome} after {duration(duration_ms)}, <Ago at={at} now={now} />
              {(error ?? answer) && <code class="muted"> {(error ?? answer ?? "").slice(0, 200)}</code>}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
