/** A new submit, filled in with what an inference was given. */
import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { client, get } from "../api.ts";
import type { Detail } from "../inferences.ts";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Failed, Loading, messageOf } from "./states.tsx";
import { useLoad } from "./use.ts";

export function Resubmit({ inference, path, close }: { readonly inference: Detail; readonly path: string; readonly close: () => void }) {
  const { data, error, reload } = useLoad(async (signal) => ({ input: await get<unknown>(`${path}/input`, { signal }) }), [path]);
  return (
    <Dialog title={`Submit to ${inference.model}`} close={close}>
      {error !== null ? (
        <Failed error={error} retry={reload} />
      ) : data ? (
        <Form inference={inference} input={data.input} close={close} />
      ) : (
        <Loading what="Loading the input" />
      )}
    </Dialog>
  );
}

function Form({ inference, input, close }: { readonly inference: Detail; readonly input: unknown; readonly close: () => void }) {
  const [text, setText] = useState(JSON.stringify(input, null, 2));
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [, go] = useLocation();
  const submit = async () => {
    setBusy(true);
    try {
      const { model, version, capability, priority, metadata } = inference;
      const more = { ...(version ? { version } : {}), ...(capability ? { capability } : {}), priority, metadata };
      const { id } = await client.submit(model, JSON.parse(text), more);
      close();
      go(`/inferences/${id}`);
    } catch (error) {
      setFault(error instanceof SyntaxError ? `This is no JSON: ${error.message}` : messageOf(error));
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Field label="Input" hint="It is submitted as a new inference, with the same model, priority and metadata." fault={fault}>
        {(its) => (
          <textarea {...its} rows={14} spellcheck={false} value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        )}
      </Field>
      <div class="row end">
        <button type="button" onClick={close}>
          Close
        </button>
        <button type="submit" class="primary" disabled={busy}>
          Submit
        </button>
      </div>
    </form>
  );
}
