/** The forms for a backend, and what its server says when it is asked. */
import { get } from "../api.ts";
import type { Backend, Ready } from "../types.ts";
import { FormDialog, type Input, type Values, numberIn } from "./form.tsx";
import { toast } from "./toast.tsx";

const PROTOCOLS = [
  ["oip", "Open Inference Protocol (Triton, KServe)"],
  ["openai", "OpenAI (vLLM, SGLang, llama.cpp)"],
  ["http", "Any HTTP server that takes JSON"],
  ["cog", "Cog"],
] as const;
const KINDS = [
  ["", "None"],
  ["bearer", "Bearer token"],
  ["basic", "User and password"],
] as const;

const SETTINGS: readonly Input[] = [
  { name: "url", label: "Address", hint: "Without the protocol's own path.", placeholder: "https://gpu-1.example.com", required: true },
  { name: "remote_model", label: "The model's name there", hint: "Its name here by default." },
  { name: "max_concurrency", label: "Slots", hint: "How many inferences it runs at once; 1 by default.", kind: "number" },
  { name: "timeout_seconds", label: "Timeout in seconds", hint: "Of one attempt; 600 by default.", kind: "number" },
  { name: "ready_path", label: "Path that says it is ready", hint: "As the protocol has it by default.", placeholder: "/health" },
  { name: "credential_kind", label: "Credential", kind: "select", options: KINDS },
  {
    name: "credential_secret",
    label: "Name of the secret",
    hint: "Set with wrangler secret put; never the secret itself.",
    placeholder: "BACKEND_GPU1",
  },
];

export function BackendForm({
  backend,
  models,
  model = "",
  close,
  done,
}: {
  readonly backend: Backend | null;
  /** To choose from, for a new one. */
  readonly models: readonly string[];
  readonly model?: string;
  readonly close: () => void;
  readonly done: () => void;
}) {
  const first: readonly Input[] = [
    { name: "model", label: "Model", kind: "select", options: models.map((each) => [each, each]) },
    { name: "version", label: "Version", hint: "The model's default by default." },
    { name: "protocol", label: "Protocol", kind: "select", options: PROTOCOLS },
  ];
  const work = async (values: Values) => {
    if (backend) {
      await get(`/admin/v1/backends/${backend.id}`, { method: "PATCH", body: bodyOf(values) });
      toast("The backend is changed");
      return done();
    }
    const { model: name, version, protocol } = values;
    const body = { ...bodyOf(values), model: name, protocol, ...(version ? { version } : {}) };
    const { id } = await get<Backend>("/admin/v1/backends", { method: "POST", body });
    done();
    const { ready, detail } = await probe(id);
    return toast(ready ? "The backend is there, and ready" : `The backend is there, and is not ready: ${detail}`, { bad: !ready });
  };
  return (
    <FormDialog
      title={backend ? "Change the backend" : "Add a backend"}
      inputs={backend ? SETTINGS : [...first, ...SETTINGS]}
      initial={backend ? valuesOf(backend) : { model: model || (models[0] ?? ""), protocol: "oip" }}
      action={backend ? "Save" : "Add and probe"}
      work={work}
      close={close}
    />
  );
}

export const probe = (id: string): Promise<Ready> => get<Ready>(`/admin/v1/backends/${id}/ready`);

function valuesOf({ url, remote_model, max_concurrency, timeout_seconds, ready_path, credential }: Backend): Values {
  return {
    url,
    remote_model,
    max_concurrency: String(max_concurrency),
    timeout_seconds: String(timeout_seconds),
    ready_path: ready_path ?? "",
    credential_kind: credential?.kind ?? "",
    credential_secret: credential?.secret ?? "",
  };
}

function bodyOf(values: Values) {
  const { url, remote_model, ready_path, credential_kind: kind, credential_secret: secret } = values;
  return {
    url: url?.trim(),
    ...(remote_model ? { remote_model } : {}),
    max_concurrency: numberIn(values["max_concurrency"]),
    timeout_seconds: numberIn(values["timeout_seconds"]),
    ready_path: ready_path || null,
    // One of a kind that this form does not have stays as it is.
    ...(kind === "header" ? {} : { credential: kind ? { kind, secret } : null }),
  };
}
