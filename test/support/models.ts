/** Models for tests of what stands beneath the API. */
import type { NewModel } from "../../src/models/store.ts";

/** A model that takes anything and costs nothing; `version` is '' for one without versions. */
export function plainModel(name: string, version: string, accountConcurrency: number | null): NewModel {
  return {
    name,
    description: "",
    versions: version === "" ? [] : [version],
    defaultVersion: version,
    accountConcurrency,
    capabilities: [],
    outputFiles: [],
    maxOutputBytes: null,
    secondMicros: 0,
    tokenMicros: 0,
    inferenceMicros: 0,
  };
}
