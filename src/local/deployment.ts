/**
 * A whole deployment on this machine: the embedded runtime, the sample model server, and what the first start makes
 * through the admin API: an account, a key, the model and its backend. On every start the runners of the last one are
 * known to be dead, so what they left in progress is recovered at once.
 */
import { Operator } from "./operator.ts";
import { type Runtime, startRuntime } from "./runtime.ts";
import { drawGallery } from "./sample/gallery.ts";
import { startSampleServer } from "./sample/server.ts";
import { type Credentials, type Setup, State } from "./state.ts";

export const SAMPLE_MODEL = "color-classification";
const SAMPLE_CONCURRENCY = 4;
/** For the console's form, and whoever asks what the model takes. It refuses nothing: the model server says itself what is wrong. */
const SAMPLE_SCHEMA = {
  properties: {
    image_path: { description: "A PNG, JPEG or WebP picture: a URL, a file, or one of the sample's own.", contentMediaType: "image/*" },
    product_type: { description: "What is shown, such as Shoes." },
    category: { description: "Where it belongs." },
    hex_color_label: { description: "The colour that it is sold as, such as #BA1D28." },
  },
  required: [],
  examples: [{ image_path: "pictures/sneaker.png", product_type: "Shoes" }],
};

export interface Deployment extends Credentials {
  readonly folder: string;
  readonly logFile: string;
  /** Where the sample model server listens. */
  readonly sampleUrl: string;
  /** The folder that the sample server reads `pictures/…` from. */
  readonly pictures: string;
  /** How many inferences the last run had left in progress. */
  readonly recovered: number;
  stop(): Promise<void>;
}

/** Starts it all. Throws PortTaken, AddressUnusable, StateInUse or StateUnusable; whatever was started before an error is stopped again. */
export async function startDeployment(options: { host: string; port: number; folder: string }): Promise<Deployment> {
  const state = new State(options.folder);
  state.lock();
  const startedAt = new Date();
  const started: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of started.splice(0).toReversed()) await end();
    state.unlock();
  };
  try {
    const secrets = state.secrets();
    const pictures = state.path("pictures");
    await drawGallery(pictures);
    const runtime: Runtime = await startRuntime({ ...options, secrets, takesProgress: true });
    started.push(() => runtime.stop());
    const sample = await startSampleServer({ pictures });
    started.push(() => sample.close());
    const operator = new Operator(runtime.url, secrets.adminToken);
    const key = await provide(state, operator, sample.url);
    const { recovered } = await operator.call("POST", "/recover", { started_before: startedAt.toISOString() });
    const credentials: Credentials = { url: runtime.url, key, admin_token: secrets.adminToken };
    state.writeCredentials(credentials);
    return {
      ...credentials,
      folder: options.folder,
      logFile: runtime.logFile,
      sampleUrl: sample.url,
      pictures,
      recovered: Number(recovered),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes what is missing and points the sample backend at where the sample server listens now. Returns the key. */
async function provide(state: State, operator: Operator, sampleUrl: string): Promise<string> {
  const setup: Setup = state.setup();
  if (!setup.account_id) {
    const account = await operator.call("POST", "/accounts", { name: "First account" });
    setup.account_id = String(account["id"]);
    state.remember(setup);
  }
  if (!setup.key) {
    const key = await operator.call("POST", "/keys", { account_id: setup.account_id, name: "First key" });
    setup.key = String(key["key"]);
    state.remember(setup);
  }
  if (!setup.backend_id) {
    await operator.callUnless(409, "POST", "/models", {
      name: SAMPLE_MODEL,
      description: "Dominant colours of product pictures, and the label nearest to the product. Runs in the sample model server.",
    });
    await operator.call("PUT", `/models/${SAMPLE_MODEL}/schema`, { input_schema: SAMPLE_SCHEMA });
    const backend = await operator.call("POST", "/backends", {
      model: SAMPLE_MODEL,
      url: sampleUrl,
      protocol: "oip",
      max_concurrency: SAMPLE_CONCURRENCY,
      timeout_seconds: 120,
    });
    setup.backend_id = String(backend["id"]);
    state.remember(setup);
  } else {
    // Gone where the operator has removed it; then it stays gone.
    await operator.callUnless(404, "PATCH", `/backends/${setup.backend_id}`, { url: sampleUrl });
  }
  return setup.key;
}
