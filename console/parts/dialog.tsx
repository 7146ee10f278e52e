/** A modal dialog: the browser's own, which keeps the focus inside, closes on Escape and gives the focus back. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { messageOf } from "./states.tsx";
import { toast } from "./toast.tsx";

export function Dialog({
  title,
  close,
  children,
}: {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => element.current?.showModal(), []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={close} onClick={({ target }) => target === element.current && close()}>
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

/** Asks before something is done that can't be undone, does it, and says what became of it. */
export function Confirm({
  title,
  text,
  action,
  done,
  work,
  close,
}: {
  readonly title: string;
  readonly text: ComponentChildren;
  /** On the button. */
  readonly action: string;
  /** Said once it is done. */
  readonly done: string;
  readonly work: () => Promise<unknown>;
  readonly close: () => void;
}) {
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    try {
      await work();
      toast(done);
      close();
    } catch (error) {
      toast(messageOf(error), { bad: true });
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <p>{text}</p>
      <div class="row end">
        <button type="button" onClick={close}>
          Keep it
        </button>
        <button type="button" class="danger" disabled={busy} onClick={() => void act()}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
