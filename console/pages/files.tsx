/** The account's files: uploaded, looked at, deleted. */
import { useState } from "preact/hooks";
import type { File as Stored } from "../../client/typescript/types.ts";
import { Copy } from "../parts/copy.tsx";
import { ConfirmDelete } from "../parts/delete.tsx";
import { ChooseFile, DropZone, useUpload } from "../parts/drop.tsx";
import { Pages, usePages } from "../parts/list.tsx";
import { Ago, Time, bytes } from "../parts/time.tsx";
import { useNow } from "../parts/use.ts";

export function FilesPage() {
  const pages = usePages<Stored>("/v1/files", { limit: 50 });
  const upload = useUpload(pages.reload);
  const [asked, setAsked] = useState<Stored | null>(null);
  const now = useNow(10_000);
  return (
    <DropZone take={upload.take}>
      <div class="page-head">
        <h1>Files</h1>
        <ChooseFile take={upload.take} busy={upload.busy} label="A file to upload" />
      </div>
      <Pages
        pages={pages}
        label="Files"
        name={({ id }) => id}
        empty={<p>Drop one here. Inputs refer to it by its reference.</p>}
        columns={[
          { title: "Name", cell: ({ id, name }) => <a href={`/v1/files/${id}/content`}>{name || <code>{id}</code>}</a> },
          { title: "Type", wide: true, cell: ({ content_type }) => content_type },
          { title: "Size", numeric: true, cell: ({ bytes: size }) => bytes(size) },
          { title: "Uploaded", wide: true, cell: ({ created_at }) => <Ago at={created_at} now={now} /> },
          { title: "Kept until", wide: true, cell: ({ expires_at }) => <Time at={expires_at} /> },
          {
            title: "Actions",
            cell: (file) => (
              <div class="row actions">
                <Copy text={file.reference} what={`reference of ${file.name || file.id}`} label="Copy reference" />
                <button type="button" class="quiet" aria-label={`Delete ${file.name || file.id}`} onClick={() => setAsked(file)}>
                  Delete
                </button>
              </div>
            ),
          },
        ]}
      />
      {asked && (
        <ConfirmDelete
          title={`Delete ${asked.name || "this file"}?`}
          text="Inferences that refer to it and have not run yet fail."
          done="The file is deleted"
          path={`/v1/files/${asked.id}`}
          after={pages.reload}
          close={() => setAsked(null)}
        />
      )}
    </DropZone>
  );
}
