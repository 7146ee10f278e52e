/** One model: what it does, who serves it, what it takes, and what can be changed. */
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { get } from "../api.ts";
import type { PageProps } from "../parts/page.ts";
import { BackendForm } from "../parts/backend-form.tsx";
import { ConfirmDelete } from "../parts/delete.tsx";
import { JsonTree } from "../parts/json.tsx";
import { Latest } from "../parts/latest.tsx";
import { ModelForm } from "../parts/model-form.tsx";
import { Failed, Loading, messageOf } from "../parts/states.tsx";
import { bytes } from "../parts/time.tsx";
import { toast } from "../parts/toast.tsx";
import { useLoad, useNow } from "../parts/use.ts";
import { BackendTable, Ends, Window, WindowSwitch, useOverview } from "../parts/window.tsx";
import type { AdminModel, ModelSchema } from "../types.ts";
import { priceOf } from "./models.tsx";

export function ModelPage({ session, params }: PageProps) {
  const name = decodeURIComponent(params["name"] ?? ""); // a name may have a slash
  const path = `/admin/v1/models/${encodeURIComponent(name)}`;
  const { data, error, reload } = useLoad(
    async (signal) => {
      const [model, schema] = await Promise.all([get<AdminModel>(path, { signal }), get<ModelSchema>(`${path}/schema`, { signal })]);
      return { model, schema };
    },
    [path],
  );
  const overview = useOverview({ model: name });
  const now = useNow(5_000);
  if (error !== null && !data) return <Failed error={error} retry={reload} />;
  if (!data) return <Loading />;
  const { model, schema } = data;
  return (
    <>
      <p class="crumb">
        <Link href="/models">Models</Link>
      </p>
      <div class="page-head">
        <h1>{model.name}</h1>
        <div class="row">
          <WindowSwitch />
          <Actions model={model} path={path} reload={reload} />
        </div>
      </div>
      <div class="panels">
        {model.description && <p class="muted">{model.description}</p>}
        {overview.data ? (
          <Window overview={overview.data}>
            <section aria-labelledby="backends">
              <h2 id="backends">Backends</h2>
              <BackendTable backends={overview.data.backends} now={now} />
            </section>
            <section aria-labelledby="ends">
              <h2 id="ends">Failures by code</h2>
              <Ends overview={overview.data} query={{ model: model.name }} />
            </section>
          </Window>
        ) : overview.error !== null ? (
          <Failed error={overview.error} retry={overview.reload} />
        ) : (
          <Loading />
        )}
        <Latest session={session} filters={{ model: model.name }} title="Latest inferences" />
        <Settings model={model} />
        <Taken schema={schema} path={path} reload={reload} />
      </div>
    </>
  );
}

function Actions({ model, path, reload }: { readonly model: AdminModel; readonly path: string; readonly reload: () => void }) {
  const [asked, setAsked] = useState<"change" | "delete" | "backend" | null>(null);
  const [, go] = useLocation();
  const close = () => setAsked(null);
  return (
    <>
      <button type="button" onClick={() => setAsked("backend")}>
        Add a backend
      </button>
      <button type="button" onClick={() => setAsked("change")}>
        Change
      </button>
      <button type="button" class="danger" onClick={() => setAsked("delete")}>
        Delete
      </button>
      {asked === "change" && <ModelForm model={model} close={close} done={reload} />}
      {asked === "backend" && <BackendForm backend={null} models={[model.name]} close={close} done={reload} />}
      {asked === "delete" && (
        <ConfirmDelete
          title={`Delete ${model.name}?`}
          text="Clients can't ask for it any more. A model that backends serve can't be deleted."
          done="The model is deleted"
          path={path}
          after={() => go("/models")}
          close={close}
        />
      )}
    </>
  );
}

function Settings({ model }: { readonly model: AdminModel }) {
  const { versions, default_version, capabilities, account_concurrency, max_output_bytes, output_files } = model;
  return (
    <section class="panel" aria-labelledby="settings">
      <h2 id="settings">Settings</h2>
      <dl class="facts">
        <div>
          <dt>Versions</dt>
          <dd>
            {versions.length === 0 ? "none" : versions.map((each) => (each === default_version ? `${each} (default)` : each)).join(", ")}
          </dd>
        </div>
        <div>
          <dt>Capabilities</dt>
          <dd>{capabilities.join(", ") || "anything"}</dd>
        </div>
        <div>
          <dt>Price</dt>
          <dd>{priceOf(model)}</dd>
        </div>
        <div>
          <dt>At once for one account</dt>
          <dd>{account_concurrency ?? "any number"}</dd>
        </div>
        <div>
          <dt>Largest output</dt>
          <dd>{bytes(max_output_bytes)}</dd>
        </div>
        <div>
          <dt>Fields kept as files</dt>
          <dd>{output_files.map(({ field }) => field).join(", ") || "none"}</dd>
        </div>
      </dl>
    </section>
  );
}

/** What it takes; a backend of it may know. */
function Taken({ schema, path, reload }: { readonly schema: ModelSchema; readonly path: string; readonly reload: () => void }) {
  const [busy, setBusy] = useState(false);
  const importIt = async () => {
    setBusy(true);
    try {
      await get(`${path}/schema/import`, { method: "POST", body: {} });
      toast("The schema is what a backend says of its model");
      reload();
    } catch (error) {
      toast(messageOf(error), { bad: true });
    }
    setBusy(false);
  };
  const { input_schema, inputs, outputs } = schema;
  const known = input_schema !== null || inputs !== null;
  return (
    <section class="panel" aria-labelledby="taken">
      <div class="spread">
        <h2 id="taken">What it takes</h2>
        <button type="button" disabled={busy} onClick={() => void importIt()}>
          Ask a backend
        </button>
      </div>
      {known ? (
        <JsonTree
          value={{ ...(input_schema === null ? {} : { input_schema }), ...(inputs ? { inputs, outputs } : {}) }}
          label="Its schema"
        />
      ) : (
        <p class="muted">Nothing is known, so inputs are not checked.</p>
      )}
    </section>
  );
}
