/** JSON as a tree that opens and closes. Every value is drawn as text, so that markup in it stays text. */
import { useState } from "preact/hooks";

/** Children that are shown before "more" is asked for. */
const SHOWN = 100;
/** Characters of a string that are shown before the rest is asked for. */
const CHARACTERS = 400;
/** What is drawn beside its text. */
const COLOUR = /^#[0-9a-f]{6}$/i;
const PICTURE = /^data:image\/(?:png|jpeg|webp|gif);base64,/;
/** Levels that stand open at first. */
const OPEN = 2;

export function JsonTree({ value, label }: { readonly value: unknown; readonly label: string }) {
  return (
    <div class="json" role="region" aria-label={label} tabIndex={0}>
      <Value value={value} depth={0} />
    </div>
  );
}

function Value({ value, depth, name }: { readonly value: unknown; readonly depth: number; readonly name?: string }) {
  const before = name !== undefined && <span class="json-name">{name}: </span>;
  if (typeof value !== "object" || value === null)
    return (
      <div class="json-line">
        {before}
        <Scalar value={value} />
      </div>
    );
  return <Branch value={value} depth={depth} before={before} />;
}

function Branch({
  value,
  depth,
  before,
}: {
  readonly value: object;
  readonly depth: number;
  readonly before: ReturnType<typeof Scalar> | false;
}) {
  const [open, setOpen] = useState(depth < OPEN);
  const [shown, setShown] = useState(SHOWN);
  const isArray = Array.isArray(value);
  const entries = Object.entries(value);
  const size = `${entries.length} ${isArray ? (entries.length === 1 ? "item" : "items") : entries.length === 1 ? "member" : "members"}`;
  if (entries.length === 0)
    return (
      <div class="json-line">
        {before}
        <span class="json-mark">{isArray ? "[]" : "{}"}</span>
      </div>
    );
  return (
    <details class="json-branch" open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {before}
        <span class="json-mark">{isArray ? "[" : "{"}</span>
        <span class="json-size"> {size}</span>
      </summary>
      {open && (
        <div class="json-children">
          {entries.slice(0, shown).map(([its, child]) => (
            <Value key={its} name={its} value={child} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <button type="button" class="quiet" onClick={() => setShown(shown + 10 * SHOWN)}>
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
    </details>
  );
}

function Scalar({ value }: { readonly value: unknown }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") return <span class={`json-${value === null ? "null" : typeof value}`}>{String(value)}</span>;
  const cut = !whole && value.length > CHARACTERS;
  return (
    <>
      {COLOUR.test(value) && <span class="swatch" style={{ background: value }} aria-hidden="true" />}
      <span class="json-string">{JSON.stringify(cut ? value.slice(0, CHARACTERS) : value)}</span>
      {cut && (
        <button type="button" class="quiet" onClick={() => setWhole(true)}>
          {value.length - CHARACTERS} more characters
        </button>
      )}
      {PICTURE.test(value) && <img class="thumb" src={value} alt="" />}
    </>
  );
}
