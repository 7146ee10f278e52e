/** The examples of Replicate's wire. */
import { submitted } from "./inferences.ts";
import type { Example, World } from "./examples.ts";
import { as, call, object, operator } from "./requests.ts";
import { newTenant } from "./tenants.ts";

type Make = (world: World) => Example | Promise<Example>;

const HOOK = "https://app.example.com/hooks";
const MODEL = "acme/painter";
const INPUT = { prompt: "A blue sky." };

/** The form of a file, with the boundary that its content type names. */
const FORM = [
  "--form",
  'Content-Disposition: form-data; name="content"; filename="sneaker.png"',
  "Content-Type: image/png",
  "",
  "a picture",
  "--form--",
  "",
].join("\r\n");

const newModel = async () => {
  await operator("POST", "/models", { name: MODEL, versions: ["5c7d5dc6"], default_version: "5c7d5dc6", description: "Paints." }); // or it is there already
  return { model: MODEL };
};
const newPrediction = async ({ key }: World): Promise<Record<string, unknown>> => {
  await newModel();
  return object(as(key, "POST", `/replicate/v1/models/${MODEL}/predictions`, { input: INPUT }));
};
const newFile = async ({ key }: World): Promise<Example> => {
  const headers = { "X-Api-Key": key, "Content-Type": "multipart/form-data; boundary=form" };
  return { params: { id: String((await object(call("/replicate/v1/files", { method: "POST", body: FORM, headers })))["id"]) } };
};

export const REPLICATE: Readonly<Record<string, Make>> = {
  "POST /replicate/v1/predictions": async () => {
    await newModel();
    return { body: { version: "5c7d5dc6", input: INPUT, webhook: HOOK, webhook_events_filter: ["completed"] } };
  },
  "POST /replicate/v1/models/{model}/predictions": async () => ({ params: await newModel(), body: { input: INPUT } }),
  "POST /replicate/v1/deployments/{model}/predictions": async () => ({ params: await newModel(), body: { input: INPUT } }),
  "GET /replicate/v1/predictions/{id}": ({ done: id }) => ({ params: { id } }),
  "POST /replicate/v1/predictions/{id}/cancel": async ({ key }) => ({ params: { id: await submitted(key, "idle", INPUT) } }),
  "GET /replicate/v1/streams/{token}": async (world) => {
    const { id, urls } = (await newPrediction(world)) as { id: string; urls: { stream: string } };
    await as(world.key, "POST", `/v1/inferences/${id}/cancel`);
    return { params: { token: urls.stream.split("/").at(-1) ?? "" } };
  },
  "GET /replicate/v1/models/{model}": async () => ({ params: await newModel() }),
  "GET /replicate/v1/models/{model}/versions": async () => ({ params: await newModel() }),
  "GET /replicate/v1/models/{model}/versions/{version}": async () => ({ params: { ...(await newModel()), version: "5c7d5dc6" } }),
  "POST /replicate/v1/files": () => ({ body: FORM, contentType: "multipart/form-data; boundary=form" }),
  "GET /replicate/v1/files/{id}": newFile,
  "GET /replicate/v1/files/{id}/download": newFile,
  "DELETE /replicate/v1/files/{id}": newFile,
  "GET /replicate/v1/webhooks/default/secret": async () => ({ key: (await newTenant()).key }), // of an account that has never seen it
};
