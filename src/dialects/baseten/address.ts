/**
 * Which version of which model a call of Baseten's wire is meant for. An environment or a deployment is a version. If no model
 * has the whole name, the end of the name may be an environment.
 */
import { findModel } from "../../models/store.ts";
import type { Lane } from "../../models/lane.ts";
import type { KeyCall } from "../../http/route.ts";
import type { Submission } from "../../inferences/submission.ts";
import { modelNotFound } from "../../models/unknown.ts";
import { Problem } from "../../problem.ts";

export const PRODUCTION = "production";
/** Parts at the end of `model-{id}-{env}` that may be the environment's name: theirs are like `prod-us`. Each is looked up. */
const ENVIRONMENT_PARTS = 3;

/** Where a call is sent to, as its address has it. */
export interface Address {
  readonly model: string;
  /** An environment or a deployment; undefined = the default one. */
  readonly version: string | undefined;
  /** What the path says of it: nothing, an environment or a deployment. */
  readonly by: "nothing" | "environment" | "deployment";
}

/** A version of a model; undefined = its default one. */
type Target = Pick<Submission, "model" | "version">;

/**
 * Does the work at the version of the model that the address most likely means. Whether that is there shows in the one
 * write; only where it is not are models read to see what else the address may mean.
 */
export async function sendTo<T>(call: KeyCall, address: Address, work: (target: Target) => Promise<T>): Promise<T> {
  try {
    return await work({ model: address.model, version: address.version });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "model_not_found") throw error;
    const other = await otherReading(call, address);
    if (!other) throw error;
    return work({ model: other.model, version: other.version || undefined });
  }
}

/** What an address may mean beside what it says; null where nothing is there. */
async function otherReading({ ports }: KeyCall, { model, version: named, by }: Address): Promise<Lane | null> {
  if (by === "deployment" && named === model) {
    const known = await findModel(ports.db, model);
    return known?.versions.length === 0 ? { model, version: "" } : null;
  }
  if (by !== "nothing") return null;
  const parts = model.split("-");
  for (let taken = 1; taken <= Math.min(ENVIRONMENT_PARTS, parts.length - 1); taken++) {
    const environment = parts.slice(-taken).join("-");
    const version = environment === PRODUCTION ? undefined : environment;
    const lane = await laneOf(ports, { model: parts.slice(0, -taken).join("-"), version });
    if (lane) return lane;
  }
  return null;
}

/** The queue of a version of a model; null where there is no such version. */
async function laneOf({ db }: KeyCall["ports"], target: Target): Promise<Lane | null> {
  const known = await findModel(db, target.model);
  const version = target.version ?? known?.defaultVersion;
  if (!known || version === undefined) return null;
  const isThere = version === "" ? known.versions.length === 0 : known.versions.includes(version);
  return isThere ? { model: known.name, version } : null;
}

export async function laneAt(call: KeyCall, address: Address): Promise<Lane> {
  const lane = (await laneOf(call.ports, address)) ?? (await otherReading(call, address));
  if (!lane) throw modelNotFound(address, await findModel(call.ports.db, address.model));
  return lane;
}
