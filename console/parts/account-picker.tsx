/** Which account a page of the operator is about, kept in its address. */
import type { Account } from "../types.ts";
import { Select } from "./field.tsx";
import { allOf } from "./list.tsx";
import { useLoad, useQuery } from "./use.ts";

/** The account chosen, "" for none. With `must`, the first one by default. */
export function useAccount(must = false): { readonly id: string; readonly accounts: readonly Account[]; readonly loading: boolean } {
  const [query] = useQuery();
  const { data, loading } = useLoad((signal) => allOf<Account>("/admin/v1/accounts", signal), []);
  const accounts = (data ?? []).filter(({ removed_at }) => removed_at === null);
  return { id: query.get("account_id") ?? (must ? (accounts[0]?.id ?? "") : ""), accounts, loading: loading && !data };
}

export function AccountPicker({
  id,
  accounts,
  all,
}: {
  readonly id: string;
  readonly accounts: readonly Account[];
  readonly all?: string;
}) {
  const [, change] = useQuery();
  const known = accounts.some((account) => account.id === id) || id === "" ? [] : [[id, id] as const];
  return (
    <div class="picker">
      <Select
        label="Account"
        value={id}
        options={[
          ...(all === undefined ? [] : [["", all] as const]),
          ...known,
          ...accounts.map((account) => [account.id, account.name] as const),
        ]}
        change={(value) => change({ account_id: value })}
      />
    </div>
  );
}
