/** The keys, account by account. */
import { AccountPicker, useAccount } from "../parts/account-picker.tsx";
import { Keys } from "../parts/keys.tsx";
import { Empty, Loading } from "../parts/states.tsx";

export function KeysPage() {
  const { id, accounts, loading } = useAccount(true);
  return (
    <>
      <div class="page-head">
        <h1>Keys</h1>
        <AccountPicker id={id} accounts={accounts} />
      </div>
      {id !== "" ? <Keys key={id} accountId={id} /> : loading ? <Loading /> : <Empty title="There is no account yet" />}
    </>
  );
}
