/** What an inference's webhooks were sent, and sending it again. */
import { useState } from "preact/hooks";
import { get } from "../api.ts";
import type { Delivery } from "../inferences.ts";
import { Badge, type Tone } from "./badge.tsx";
import { Empty, Failed, Loading, messageOf } from "./states.tsx";
import { Ago, duration } from "./time.tsx";
import { toast } from "./toast.tsx";
import { useLoad } from "./use.ts";

const TONES: Readonly<Record<string, Tone>> = { pending: "wait", succeeded: "good", failed: "bad", canceled: "neutral" };

/** `path` is the inference's; `version` changes when it does. */
export function Deliveries({
  path,
  version,
  mayResend,
  now,
}: {
  readonly path: string;
  readonly version: string;
  readonly mayResend: boolean;
  readonly now: number;
}) {
  const { data, error, reload } = useLoad(
    (signal) => get<{ readonly deliveries: readonly Delivery[] }>(`${path}/deliveries?limit=100`, { signal }),
    [path, version],
  );
  if (error !== null) return <Failed error={error} retry={reload} />;
  if (!data) return <Loading />;
  if (data.deliveries.length === 0) return <Empty title="Nothing was sent to a webhook" />;
  return (
    <ul class="deliveries">
      {data.deliveries.map((delivery) => (
        <li key={delivery.id}>
          <One delivery={delivery} path={path} mayResend={mayResend} now={now} reload={reload} />
        </li>
      ))}
    </ul>
  );
}

function One({
  delivery,
  path,
  mayResend,
  now,
  reload,
}: {
  readonly delivery: Delivery;
  readonly path: string;
  readonly mayResend: boolean;
  readonly now: number;
  readonly reload: () => void;
}) {
  const { id, event, url, status, held, created_at, attempts } = delivery;
  const [busy, setBusy] = useState(false);
  const resend = async () => {
    setBusy(true);
    try {
      await get(`${path}/deliveries/${encodeURIComponent(id)}/resend`, { method: "POST" });
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
        {mayResend && (
          <button type="button" disabled={busy} onClick={() => void resend()}>
            Send again
          </button>
        )}
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
