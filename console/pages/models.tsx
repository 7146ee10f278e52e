/** The catalogue: what clients may ask for. */
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { Pages, usePages } from "../parts/list.tsx";
import { ModelForm } from "../parts/model-form.tsx";
import { Time } from "../parts/time.tsx";
import type { AdminModel } from "../types.ts";

export function ModelsPage() {
  const pages = usePages<AdminModel>("/admin/v1/models");
  const [adding, setAdding] = useState(false);
  const add = (
    <button type="button" class="primary" onClick={() => setAdding(true)}>
      Add a model
    </button>
  );
  return (
    <>
      <div class="page-head">
        <h1>Models</h1>
        {add}
      </div>
      <Pages
        pages={pages}
        label="Models"
        name={({ name }) => name}
        empty={<p>Add one, and a backend that serves it.</p>}
        columns={[
          { title: "Model", cell: ({ name }) => <Link href={`/models/${encodeURIComponent(name)}`}>{name}</Link> },
          { title: "Description", wide: true, cell: ({ description }) => description },
          { title: "Versions", wide: true, cell: ({ versions }) => versions.join(", ") },
          { title: "Price", wide: true, cell: priceOf },
          { title: "Added", cell: ({ created_at }) => <Time at={created_at} /> },
        ]}
      />
      {adding && <ModelForm model={null} close={() => setAdding(false)} done={pages.reload} />}
    </>
  );
}

export function priceOf({ price: { per_second, per_token, per_inference } }: AdminModel): string {
  const parts = [
    [per_second, "a second"],
    [per_token, "a token"],
    [per_inference, "an inference"],
  ] as const;
  return parts.flatMap(([amount, each]) => (amount > 0 ? [`${amount} ${each}`] : [])).join(", ") || "free";
}
