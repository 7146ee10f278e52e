/** The forms for a model: a new one, or what can be changed of one. */
import { get } from "../api.ts";
import type { AdminModel } from "../types.ts";
import { FormDialog, type Input, type Values, numberIn, numberOrNull, wordsIn } from "./form.tsx";
import { toast } from "./toast.tsx";

const NAME: Input = { name: "name", label: "Name", hint: "As clients ask for it, such as org/name.", required: true };
const SETTINGS: readonly Input[] = [
  { name: "description", label: "Description" },
  { name: "versions", label: "Versions", hint: "With commas between; none if it has none." },
  { name: "default_version", label: "Default version", hint: "The last of them by default." },
  { name: "capabilities", label: "Capabilities", hint: "What may be asked of it, such as chat/completions; anything by default." },
  { name: "account_concurrency", label: "At once for one account", hint: "Empty: any number.", kind: "number" },
  { name: "max_output_bytes", label: "Largest output in bytes", hint: "Empty: the default.", kind: "number" },
  { name: "per_second", label: "Price of a second", kind: "number" },
  { name: "per_token", label: "Price of a token", kind: "number" },
  { name: "per_inference", label: "Price of an inference", kind: "number" },
];

export function ModelForm({
  model,
  close,
  done,
}: {
  readonly model: AdminModel | null;
  readonly close: () => void;
  readonly done: () => void;
}) {
  const work = async (values: Values) => {
    const body = bodyOf(values);
    if (model) await get(`/admin/v1/models/${encodeURIComponent(model.name)}`, { method: "PATCH", body });
    else await get("/admin/v1/models", { method: "POST", body: { ...body, name: values["name"]?.trim() } });
    toast(model ? "The model is changed" : "The model is there");
    done();
  };
  return (
    <FormDialog
      title={model ? `Change ${model.name}` : "Add a model"}
      inputs={model ? SETTINGS : [NAME, ...SETTINGS]}
      initial={model ? valuesOf(model) : {}}
      action={model ? "Save" : "Add"}
      work={work}
      close={close}
    />
  );
}

function valuesOf({
  description,
  versions,
  default_version,
  capabilities,
  account_concurrency,
  max_output_bytes,
  price,
}: AdminModel): Values {
  return {
    description,
    versions: versions.join(", "),
    default_version: default_version ?? "",
    capabilities: capabilities.join(", "),
    account_concurrency: account_concurrency === null ? "" : String(account_concurrency),
    max_output_bytes: String(max_output_bytes),
    per_second: String(price.per_second),
    per_token: String(price.per_token),
    per_inference: String(price.per_inference),
  };
}

function bodyOf(values: Values) {
  const price = {
    per_second: numberIn(values["per_second"]),
    per_token: numberIn(values["per_token"]),
    per_inference: numberIn(values["per_inference"]),
  };
  return {
    description: values["description"] ?? "",
    versions: wordsIn(values["versions"] ?? ""),
    ...(values["default_version"] ? { default_version: values["default_version"] } : {}),
    capabilities: wordsIn(values["capabilities"] ?? ""),
    account_concurrency: numberOrNull(values["account_concurrency"]),
    max_output_bytes: numberOrNull(values["max_output_bytes"]),
    price,
  };
}
