/**
 * The files that an input refers to, at both ends of an inference: at its submit they have to be there, and are kept for
 * as long as it may need them; when a backend is called it gets them as it wants them: as links that are good for an
 * hour, or as their bytes. The stored input keeps the references, so each attempt makes links of its own.
 */
import { toBase64 } from "../encoding/base64.ts";
import { unsendable } from "../backends/judgement.ts";
import type { Outcome } from "../backends/outcome.ts";
import type { FileForm } from "../backends/store.ts";
import { type Content, isJson } from "../content/content.ts";
import { parseJson } from "../encoding/json.ts";
import { signLink } from "./link-token.ts";
import { FILE_REFERENCES, FILES_INLINE_BYTES, LINK_SECONDS } from "../limits.ts";
import type { Ports } from "../ports.ts";
import type { Database } from "../platform/sql.ts";
import { type Fault, type Problem, problem } from "../problem.ts";
import { countReferences, fileIdOf, placeOf, referencesIn, replaceReferences } from "./references.ts";
import { type StoredFile, findFiles, objectKey, useFiles } from "./store.ts";

/** The files that an input refers to. */
const filesIn = ({ body, contentType }: Content) => (typeof body === "string" && isJson(contentType) ? referencesIn(body) : []);

export const refersToFiles = (input: Content) => filesIn(input).length > 0;

/**
 * What refuses an input that refers to a file which its account does not have; `path` is where the input is in its body. Its files are
 * kept for as long as it may need them, if it begins no earlier than `from`, in ms.
 */
export async function missingFile(
  db: Database,
  accountId: string,
  input: Content,
  path: Fault["path"],
  from: number,
): Promise<Problem | null> {
  const { body } = input;
  const wanted = filesIn(input);
  if (typeof body !== "string" || wanted.length === 0) return null;
  const fault = (name: string, detail: string) =>
    problem("invalid_input", { faults: [{ path: [...path, ...placeOf(parseJson(body), name)], detail }] });
  const [first = "", last = ""] = [wanted[0], wanted.at(FILE_REFERENCES)];
  if (wanted.length > FILE_REFERENCES) return fault(last, `is one file too many: an input may refer to ${FILE_REFERENCES}`);
  const ids = wanted.map(fileIdOf);
  const there = new Set(
    (
      await useFiles(
        db,
        accountId,
        ids.filter((id) => id !== null),
        from,
      )
    ).map(({ id }) => id),
  );
  const missing = wanted.find((_, index) => !there.has(ids[index] ?? ""));
  return missing === undefined ? null : fault(missing, `refers to the file "${(missing || first).slice(0, 64)}", which is not there`);
}

/** An input as a backend is to get it, or the outcome where a file that it refers to is gone or too large. */
export async function supplied(
  ports: Pick<Ports, "db" | "payloads" | "publicUrl" | "secret" | "clock">,
  accountId: string,
  input: Content,
  form: FileForm,
): Promise<{ input: Content } | { outcome: Outcome }> {
  const { body, contentType } = input;
  if (typeof body !== "string" || !isJson(contentType)) return { input };
  const wanted = referencesIn(body);
  if (wanted.length === 0) return { input };
  const files = await findFiles(
    ports.db,
    accountId,
    wanted.map(fileIdOf).filter((id) => id !== null),
  );
  const values = new Map<string, string>();
  const counts = countReferences(body); // each is replaced by a value of its own: one small file may stand there a hundred thousand times
  let room = FILES_INLINE_BYTES;
  for (const text of wanted) {
    const count = counts.get(text) ?? 1;
    const file = files.find(({ id }) => id === fileIdOf(text));
    if (!file) return { outcome: unsendable("file_gone", `The file "${text.slice(0, 64)}" is no longer there.`, 410) };
    const link = form === "url" ? await linkOf(ports, file) : null;
    room -= (link?.length ?? file.bytes) * count;
    if (room < 0) {
      const what = link === null ? "files" : "links to files";
      const how = link === null ? "; its model takes them inline" : "";
      const message = `The input's ${what}, each as often as it stands there, have more than ${FILES_INLINE_BYTES} bytes together${how}.`;
      return { outcome: unsendable("files_too_large", message, 413) };
    }
    if (link !== null) {
      values.set(text, link);
      continue;
    }
    const object = file.bytes === 0 ? null : await ports.payloads.get(objectKey(file));
    if (!object && file.bytes > 0) return { outcome: unsendable("file_gone", `The file "${file.id}" is no longer there.`, 410) };
    const base64 = object ? toBase64(await object.bytes()) : "";
    values.set(text, form === "inline" ? `data:${file.contentType};base64,${base64}` : base64);
  }
  return { input: { body: replaceReferences(body, (text) => values.get(text)), contentType } };
}

async function linkOf(
  { secret, publicUrl, clock }: Pick<Ports, "secret" | "publicUrl" | "clock">,
  { accountId, id, origin }: StoredFile,
): Promise<string> {
  const expiresAt = Math.floor(clock.now() / 1000) + LINK_SECONDS.default;
  const token = await signLink({ kind: "file", accountId, keyId: null, id, methods: ["GET"], expiresAt }, secret("KEY_SECRET") ?? "");
  return `${publicUrl || origin}/v1/links/${token}`;
}
