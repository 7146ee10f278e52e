/** Signing in, with an account's key or the operator's token. It goes to the deployment once and stays nowhere on this machine. */
import { useEffect, useState } from "preact/hooks";
import { type Session, signIn } from "../api.ts";
import { Field } from "../parts/field.tsx";
import { messageOf } from "../parts/states.tsx";
import { Mark } from "../parts/mark.tsx";

export function SignIn({ reason, entered }: { readonly reason: string | null; readonly entered: (session: Session) => void }) {
  const [secret, setSecret] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = "Sign in · Claimcheck";
  }, []);
  const enter = async () => {
    setBusy(true);
    setFault(null);
    try {
      const session = await signIn(secret.trim());
      setSecret("");
      entered(session);
    } catch (error) {
      setFault(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <h1>
          <Mark />
          Claimcheck
        </h1>
        {reason && (
          <p class="notice" role="status">
            You are signed out. {reason}
          </p>
        )}
        <Field label="API key or admin token" hint="It is exchanged for a session of some hours and is not kept." fault={fault}>
          {(its) => (
            <input
              {...its}
              type="password"
              autocomplete="off"
              spellcheck={false}
              required
              autoFocus
              value={secret}
              onInput={({ currentTarget }) => setSecret(currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="primary" disabled={busy || secret.trim() === ""}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
