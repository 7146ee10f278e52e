/** The forms for an account: a new one, or its limits, budget and retention. */
import { get } from "../api.ts";
import type { Account } from "../types.ts";
import { FormDialog, type Input, type Values, numberIn, numberOrNull } from "./form.tsx";
import { toast } from "./toast.tsx";

const DAY_SECONDS = 86_400;
const GIB = 1024 ** 3;

const INPUTS: readonly Input[] = [
  { name: "name", label: "Name", required: true },
  { name: "open_limit", label: "Open inferences", hint: "How many may be queued or running; empty: the default.", kind: "number" },
  { name: "quota_bytes", label: "Storage in GiB", hint: "Empty: the default.", kind: "number" },
  { name: "database_quota_bytes", label: "Of it in the database, in GiB", hint: "Empty: the default.", kind: "number" },
  {
    name: "retention_seconds",
    label: "Retention in days",
    hint: "How long inferences are kept after their end; 7 by default.",
    kind: "number",
  },
  { name: "monthly_budget", label: "Monthly budget", hint: "By the models' prices; empty: anything.", kind: "number" },
  { name: "budget_warning_at", label: "Warning at", hint: "Empty: never.", kind: "number" },
];

export function AccountForm({
  account,
  close,
  done,
}: {
  readonly account: Account | null;
  readonly close: () => void;
  readonly done: (account: Account) => void;
}) {
  const work = async (values: Values) => {
    const body = bodyOf(values);
    const made = account
      ? await get<Account>(`/admin/v1/accounts/${account.id}`, { method: "PATCH", body })
      : await get<Account>("/admin/v1/accounts", { method: "POST", body });
    toast(account ? "The account is changed" : "The account is there");
    done(made);
  };
  return (
    <FormDialog
      title={account ? `Change ${account.name}` : "Add an account"}
      inputs={INPUTS}
      initial={account ? valuesOf(account) : {}}
      action={account ? "Save" : "Add"}
      work={work}
      close={close}
    />
  );
}

const text = (value: number | null) => (value === null ? "" : String(value));

function valuesOf(account: Account): Values {
  return {
    name: account.name,
    open_limit: text(account.open_limit),
    quota_bytes: text(account.quota_bytes / GIB),
    database_quota_bytes: text(account.database_quota_bytes / GIB),
    retention_seconds: text(account.retention_seconds / DAY_SECONDS),
    monthly_budget: text(account.monthly_budget),
    budget_warning_at: text(account.budget_warning_at),
  };
}

function bodyOf(values: Values) {
  const gib = (value: string | undefined) => {
    const given = numberOrNull(value);
    return given === null ? null : Math.round(given * GIB);
  };
  const days = numberIn(values["retention_seconds"]);
  return {
    name: values["name"]?.trim(),
    open_limit: numberOrNull(values["open_limit"]),
    quota_bytes: gib(values["quota_bytes"]),
    database_quota_bytes: gib(values["database_quota_bytes"]),
    ...(days === undefined ? {} : { retention_seconds: Math.round(days * DAY_SECONDS) }),
    monthly_budget: numberOrNull(values["monthly_budget"]),
    budget_warning_at: numberOrNull(values["budget_warning_at"]),
  };
}
