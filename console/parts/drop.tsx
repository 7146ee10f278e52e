/** Files, dropped or chosen: each is uploaded, and stands in an input by its reference. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { client } from "../api.ts";
import { messageOf } from "./states.tsx";
import { bytes } from "./time.tsx";
import { toast } from "./toast.tsx";

/** Pictures that every browser draws and that can hold no script. */
const PICTURE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;

/** What was uploaded from this page, by its reference, to be shown beside it. */
export interface Dropped {
  readonly name: string;
  readonly size: number;
  /** Of the picture itself; null for any other file. */
  readonly preview: string | null;
}
const dropped = new Map<string, Dropped>();
const droppedAs = (reference: string): Dropped | null => dropped.get(reference) ?? null;

/** Its name, without what no name of a file may have. */
const nameOf = ({ name }: File) => name.replaceAll(/[\\/\p{Cc}]/gu, "_") || "file";

/** Uploads files one after the other; what they are referred to by. */
export function useUpload(done: (reference: string) => void): {
  readonly busy: string | null;
  readonly take: (files: Iterable<File>) => void;
} {
  const [busy, setBusy] = useState<string | null>(null);
  const upload = async (files: readonly File[]) => {
    for (const file of files) {
      setBusy(file.name);
      try {
        const { reference } = await client.upload(file, { name: nameOf(file) });
        dropped.set(reference, {
          name: nameOf(file),
          size: file.size,
          preview: PICTURE.test(file.type) ? URL.createObjectURL(file) : null,
        });
        done(reference);
      } catch (error) {
        toast(`${file.name} was not uploaded: ${messageOf(error)}`, { bad: true });
      }
    }
    setBusy(null);
  };
  return { busy, take: (files) => void upload([...files]) };
}

/** Where files may be dropped; what is inside may have places of its own. */
export function DropZone({ take, children }: { readonly take: (files: Iterable<File>) => void; readonly children: ComponentChildren }) {
  const [over, setOver] = useState(false);
  return (
    <div
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        setOver(!event.defaultPrevented); // a place inside takes it
        event.preventDefault();
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node) || !currentTarget.contains(relatedTarget)) setOver(false);
      }}
      onDrop={(event) => {
        setOver(false);
        if (event.defaultPrevented) return;
        event.preventDefault();
        take(event.dataTransfer?.files ?? []);
      }}
    >
      {children}
    </div>
  );
}

export function ChooseFile({
  take,
  busy,
  label,
}: {
  readonly take: (files: Iterable<File>) => void;
  readonly busy: string | null;
  readonly label: string;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        class="hidden"
        tabIndex={-1}
        aria-label={label}
        onChange={({ currentTarget }) => {
          take(currentTarget.files ?? []);
          currentTarget.value = "";
        }}
      />
      <button type="button" disabled={busy !== null} onClick={() => input.current?.click()}>
        {busy === null ? "Choose a file" : `Uploading ${busy}…`}
      </button>
    </>
  );
}

/** What a reference stands for, if it was dropped here. */
export function Preview({ reference }: { readonly reference: string }) {
  const file = droppedAs(reference);
  if (!file) return null;
  return (
    <p class="dropped">
      {file.preview && <img class="thumb" src={file.preview} alt={file.name} />}
      <span class="muted">
        {file.name}, {bytes(file.size)}
      </span>
    </p>
  );
}
