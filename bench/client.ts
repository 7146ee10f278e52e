/** What the parts of the benchmark do as an operator and as a client. */
import type { Deployment } from "../test/support/deployment.ts";
import type { Gpu } from "../test/support/gpu.ts";

/** Makes a model with one backend; the backend's id. */
export async function model(
  deployment: Deployment,
  gpu: Pick<Gpu, "url">,
  name: string,
  max_concurrency: number,
  state = "active",
): Promise<string> {
  await deployment.operator("POST", "/models", { name });
  const backend = await deployment.operator("POST", "/backends", { model: name, url: gpu.url, protocol: "oip", max_concurrency, state });
  return String(backend["id"]);
}

/** A key that no part reaches the limits of. */
export async function bigKey(deployment: Deployment): Promise<string> {
  const account = await deployment.operator("POST", "/accounts", { name: "bench" });
  const limits = { read: 10_000, submit: 10_000, cancel: 10_000 };
  const made = await deployment.operator("POST", "/keys", { account_id: account["id"], limits });
  return String(made["key"]);
}

export async function submit(deployment: Deployment, key: string, name: string, number: number): Promise<void> {
  const answer = await deployment.api(
    "POST",
    "/v1/inferences",
    { model: name, input: { x: [number] } },
    { Authorization: `Bearer ${key}` },
  );
  if (answer.status !== 202) throw new Error(`submit answered ${answer.status}: ${answer.text}`);
}
