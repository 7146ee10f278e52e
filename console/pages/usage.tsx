/** What was used, and what it cost: by day, model, key or account, also as CSV. */
import { useState } from "preact/hooks";
import { ask, get, withQuery } from "../api.ts";
import type { Usage } from "../../client/typescript/types.ts";
import type { PageProps } from "../parts/page.ts";
import { AccountPicker, useAccount } from "../parts/account-picker.tsx";
import { Chart } from "../parts/chart.tsx";
import { Select, TextField } from "../parts/field.tsx";
import { Figures } from "../parts/figures.tsx";
import { Empty, Failed, Loading, messageOf } from "../parts/states.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { bytes, duration, number } from "../parts/time.tsx";
import { toast } from "../parts/toast.tsx";
import { useLoad, useQuery } from "../parts/use.ts";

type Row = Usage["data"][number] & { readonly account_id?: string };

const BY = [
  ["day", "Day"],
  ["model", "Model"],
  ["key", "Key"],
  ["day,model", "Day and model"],
] as const;
const OPERATOR_BY = [["account", "Account"], ["account,model", "Account and model"], ...BY] as const;

export function UsagePage({ session }: PageProps) {
  const isOperator = session.kind === "operator";
  const [query, change] = useQuery();
  const by = query.get("by") ?? "day";
  const asked = { by, from: query.get("from"), to: query.get("to"), account_id: query.get("account_id") };
  const path = withQuery(isOperator ? "/admin/v1/usage" : "/v1/usage", asked);
  const { data, error, reload } = useLoad((signal) => get<Usage>(path, { signal }), [path]);
  return (
    <>
      <div class="page-head">
        <h1>Usage and cost</h1>
        <Csv path={path} />
      </div>
      <div class="filter-bar">
        {isOperator && <ChooseAccount />}
        <Select label="By" value={by} options={isOperator ? OPERATOR_BY : BY} change={(value) => change({ by: value })} />
        <TextField label="From" type="date" value={query.get("from") ?? data?.from ?? ""} change={(value) => change({ from: value })} />
        <TextField label="To" type="date" value={query.get("to") ?? data?.to ?? ""} change={(value) => change({ to: value })} />
      </div>
      {data ? <Drawn usage={data} by={by} /> : error !== null ? <Failed error={error} retry={reload} /> : <Loading />}
      {data && error !== null && <Failed error={error} />}
    </>
  );
}

function ChooseAccount() {
  const { id, accounts } = useAccount();
  return <AccountPicker id={id} accounts={accounts} all="All accounts" />;
}

function Drawn({ usage, by }: { readonly usage: Usage; readonly by: string }) {
  const { data, total, complete } = usage;
  const ended = (row: Pick<Row, "inferences">) => Object.values(row.inferences).reduce((sum, count) => sum + count, 0);
  return (
    <div class="panels">
      <Figures
        label="In all"
        figures={[
          { title: "Inferences ended", value: number(ended(total)), note: `${number(total.inferences.succeeded)} succeeded` },
          { title: "Busy", value: duration(total.run_seconds * 1_000), note: `${number(total.attempts)} attempts` },
          { title: "Tokens", value: number(total.prompt_tokens + total.completion_tokens), note: `${number(total.prompt_tokens)} in` },
          { title: "Bytes", value: bytes(total.input_bytes + total.output_bytes), note: `${bytes(total.input_bytes)} in` },
          { title: "Cost", value: money(total.cost) },
        ]}
      />
      {by === "day" && data.length > 1 && (
        <Chart
          title="By day"
          at={data.map(({ day }) => `${day ?? ""}T00:00:00Z`)}
          lines={[
            { title: "Succeeded", tone: "good", values: data.map(({ inferences }) => inferences.succeeded) },
            { title: "Failed or expired", tone: "bad", values: data.map(({ inferences }) => inferences.failed + inferences.expired) },
          ]}
        />
      )}
      {!complete && <p class="notice">There are more rows than are shown. Choose fewer days, or sum by less.</p>}
      {data.length === 0 ? (
        <Empty title="Nothing ended on these days" />
      ) : (
        <Table label="Usage" rows={data} name={(row) => namesOf(row).join()} columns={columnsOf(by, ended)} />
      )}
    </div>
  );
}

const money = (amount: number) => amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 6 });
const namesOf = ({ account_id, day, model, key_id }: Row) => [account_id, day, model, key_id].map((part) => part ?? "");

function columnsOf(by: string, ended: (row: Row) => number): readonly Column<Row>[] {
  const words = by.split(",");
  const first: readonly (readonly [word: string, column: Column<Row>])[] = [
    ["account", { title: "Account", cell: ({ account_id }) => <code>{account_id}</code> }],
    ["day", { title: "Day", cell: ({ day }) => day }],
    ["model", { title: "Model", cell: ({ model }) => model }],
    ["key", { title: "Key", cell: ({ key_id }) => <code>{key_id}</code> }],
  ];
  return [
    ...first.flatMap(([word, column]) => (words.includes(word) ? [column] : [])),
    { title: "Ended", numeric: true, cell: (row) => number(ended(row)) },
    { title: "Succeeded", numeric: true, wide: true, cell: ({ inferences }) => number(inferences.succeeded) },
    { title: "Failed", numeric: true, wide: true, cell: ({ inferences }) => number(inferences.failed) },
    { title: "Canceled", numeric: true, wide: true, cell: ({ inferences }) => number(inferences.canceled) },
    { title: "Expired", numeric: true, wide: true, cell: ({ inferences }) => number(inferences.expired) },
    { title: "Busy", numeric: true, wide: true, cell: ({ run_seconds }) => duration(run_seconds * 1_000) },
    {
      title: "Tokens",
      numeric: true,
      wide: true,
      cell: ({ prompt_tokens, completion_tokens }) => number(prompt_tokens + completion_tokens),
    },
    { title: "Cost", numeric: true, cell: ({ cost }) => money(cost) },
  ];
}

/** The same rows as a file. */
function Csv({ path }: { readonly path: string }) {
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      const file = await (await ask(path, { headers: { Accept: "text/csv" } })).blob();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = "usage.csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (error) {
      toast(messageOf(error), { bad: true });
    }
    setBusy(false);
  };
  return (
    <button type="button" disabled={busy} onClick={() => void save()}>
      Download CSV
    </button>
  );
}
