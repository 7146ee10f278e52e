/** Asks before a thing is deleted, deletes it by its path, and says so. */
import type { ComponentChildren } from "preact";
import { get } from "../api.ts";
import { Confirm } from "./dialog.tsx";

export function ConfirmDelete({
  title,
  text,
  done,
  path,
  after,
  close,
}: {
  readonly title: string;
  readonly text: ComponentChildren;
  /** Said once it is deleted. */
  readonly done: string;
  /** Of the thing, in the API. */
  readonly path: string;
  readonly after: () => void;
  readonly close: () => void;
}) {
  const work = async () => {
    await get(path, { method: "DELETE" });
    after();
  };
  return <Confirm title={title} text={text} action="Delete it" done={done} work={work} close={close} />;
}
