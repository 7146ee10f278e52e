/** How RunPod's wire shows a job. */
import { metricsOf } from "../../api/present.ts";
import { writeJson } from "../../encoding/json.ts";
import { type LinkTo, fileOf, render, withLinks, withTexts } from "../../http/output.ts";
import type { Inference } from "../../inferences/inference.ts";
import { isFinal } from "../../inferences/status.ts";
import type { Bucket } from "../../payloads/bucket.ts";
import type { JobStatus, ShownJob } from "./schemas.ts";

/** The published status. Too late is one word to them, whichever clock it was. */
export function statusOf(inference: Inference): JobStatus {
  switch (inference.status) {
    case "queued":
      return "IN_QUEUE";
    case "in_progress":
      return "IN_PROGRESS";
    case "succeeded":
      return "COMPLETED";
    case "failed":
      return inference.error.class === "timeout" ? "TIMED_OUT" : "FAILED";
    case "canceled":
      return "CANCELLED";
    case "expired":
      return "TIMED_OUT";
    default:
      return inference satisfies never;
  }
}

/** A job, around the text of its output; null if it has none to show. */
export function jobText(inference: Inference, output: string | null): string {
  const { queue_ms, run_ms } = metricsOf(inference);
  const job: ShownJob = {
    id: inference.id,
    status: statusOf(inference),
    ...(queue_ms === null ? {} : { delayTime: queue_ms }),
    ...(run_ms === null || !isFinal(inference.status) ? {} : { executionTime: run_ms }),
    ...("error" in inference ? { error: inference.error.message } : {}),
  };
  return output === null ? writeJson(job) : withTexts(job, { output });
}

type Succeeded = Extract<Inference, { status: "succeeded" }>;

/**
 * An output as JSON: itself, with links in the place of its files' addresses, or where it is if it is of another type or too large to be
 * read; null if it was removed.
 */
export async function outputText(bucket: Bucket, { id, output, parts }: Succeeded, linkTo: LinkTo): Promise<string | null> {
  const rendered = await render(bucket, output);
  switch (rendered.kind) {
    case "json":
      return (await withLinks(rendered.text, id, parts, linkTo)) ?? rendered.text;
    case "elsewhere":
      return writeJson(fileOf(output, await linkTo()));
    case "gone":
      return null;
    default:
      return rendered satisfies never;
  }
}
