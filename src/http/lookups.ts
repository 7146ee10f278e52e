/** The inferences that requests of one isolate look for at the same moment: they go to the database together. */
import type { Inference } from "../inferences/inference.ts";
import { Wrote } from "./bookmark.ts";
import { Together } from "../platform/together.ts";
import type { Clock } from "../ports.ts";

/** Whose inference, which, and the change that it must not be older than, if there is one. */
type LookUp = Together<readonly [accountId: string, id: string, bookmark: string | null], Inference | null>;

/** What an isolate looks for at this moment. */
export class LookUps {
  readonly plain: LookUp;
  /** With why it waits. */
  readonly waiting: LookUp;
  /** What accounts changed through this isolate. */
  readonly wrote = new Wrote();

  constructor(clock: Clock) {
    this.plain = new Together(clock);
    this.waiting = new Together(clock);
  }
}
