/**
 * Triton's statistics of the models, made of the account's own inferences: what others ask of the same model is not shown. They
 * are of its newest STATISTICS_ROWS inferences, so they cost no row of their own, and to ask for them costs the same however
 * many there are. Source: triton-inference-server/server, docs/protocol/extension_statistics.md.
 */
import { json } from "../../http/answer.ts";
import type { KeyCall } from "../../http/route.ts";
import { type Statistics, statisticsOf } from "../../inferences/sql/read.ts";
import { allModels, modelAsked } from "./models.ts";
import type { Duration, ShownStatistics } from "./schemas.ts";

type ModelStatistics = ShownStatistics["model_stats"][number];

const NONE = { lastAt: 0, succeeded: 0, items: 0, succeededMs: 0, runMs: 0, failed: 0, failedMs: 0 };

export async function showStatistics({ params, ports, caller }: KeyCall): Promise<Response> {
  const { model, version } = params;
  const [models, all] = await Promise.all([
    model === undefined ? allModels(ports.db) : modelAsked(ports.db, model, version).then((found) => [found]),
    statisticsOf(ports.db, caller.accountId, model ?? null),
  ]);
  const known = new Map(all.map((statistics) => [JSON.stringify([statistics.model, statistics.version]), statistics]));
  const body: ShownStatistics = {
    model_stats: models.flatMap(({ name, versions }) => {
      const asked = version === undefined ? (versions.length > 0 ? versions : [""]) : [version];
      return asked.map((each) => shown(name, each, known.get(JSON.stringify([name, each])) ?? NONE));
    }),
  };
  return json(body);
}

function shown(name: string, version: string, statistics: Omit<Statistics, "model" | "version">): ModelStatistics {
  const { lastAt, succeeded, items, succeededMs, runMs, failed, failedMs } = statistics;
  return {
    name,
    ...(version && { version }),
    last_inference: lastAt,
    inference_count: items,
    execution_count: succeeded,
    inference_stats: {
      success: lasted(succeeded, succeededMs),
      fail: lasted(failed, failedMs),
      queue: lasted(succeeded, succeededMs - runMs),
      compute_input: lasted(0, 0),
      compute_infer: lasted(succeeded, runMs),
      compute_output: lasted(0, 0),
      cache_hit: lasted(0, 0),
      cache_miss: lasted(0, 0),
    },
    response_stats: {},
    batch_stats: [],
    memory_usage: [],
  };
}

function lasted(count: number, ms: number): Duration {
  return { count, ns: ms * 1e6 };
}
