/** An inference that was just submitted, from the queue to its result, as it happens. */
import { useEffect, useRef } from "preact/hooks";
import { Link } from "wouter-preact";
import { client, get } from "../api.ts";
import { type Detail, type Timeline, changesOf } from "../inferences.ts";
import { Status } from "./badge.tsx";
import { Payload } from "./payload.tsx";
import { Failed, Loading, messageOf } from "./states.tsx";
import { duration } from "./time.tsx";
import { toast } from "./toast.tsx";
import { useLoad, useNow } from "./use.ts";
import { Waterfall } from "./waterfall.tsx";
import { Wrong } from "./wrong.tsx";

export function Run({ id }: { readonly id: string }) {
  const path = `/v1/inferences/${id}`;
  const { data, error, reload } = useLoad(
    async (signal) => {
      const [inference, timeline] = await Promise.all([get<Detail>(path, { signal }), get<Timeline>(`${path}/timeline`, { signal })]);
      return { inference, timeline };
    },
    [path],
  );
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => {
    const left = new AbortController();
    const follow = async () => {
      for await (const row of changesOf(id, left.signal)) {
        latest.current();
        if (row?.is_final) return;
      }
    };
    follow().catch((reason: unknown) => left.signal.aborted || toast(messageOf(reason), { bad: true }));
    return () => left.abort();
  }, [id]);
  const now = useNow(data?.inference.is_final === false ? 250 : 5_000);
  if (error !== null && !data) return <Failed error={error} retry={reload} />;
  if (!data) return <Loading what="Submitted" />;
  const { inference, timeline } = data;
  const { status, is_final, metrics, error: failure, created_at } = inference;
  const cancel = async () => {
    try {
      await client.cancel(id);
      reload();
    } catch (reason) {
      toast(messageOf(reason), { bad: true });
    }
  };
  return (
    <>
      <div class="spread">
        <div class="row" role="status">
          <Status status={status} />
          <span class="muted">{duration(metrics.total_ms ?? Math.max(0, now - Date.parse(created_at)))}</span>
        </div>
        <div class="row">
          {!is_final && (
            <button type="button" class="danger" onClick={() => void cancel()}>
              Cancel
            </button>
          )}
          <Link href={`/inferences/${id}`}>All about it</Link>
        </div>
      </div>
      <Waterfall timeline={timeline} now={now} />
      {failure && <Wrong error={failure} />}
      {status === "succeeded" && <Payload path={`${path}/result`} what="output" version={inference.updated_at} />}
    </>
  );
}
