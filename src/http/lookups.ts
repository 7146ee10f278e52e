/** The inferences that requests of one isolate look for at the same moment: they go to the database together. */
import type { Inference } from "../inferences/inference.ts";
import { Together } from "../platform/together.ts";
import type { Clock } from "../ports.ts";

type LookUp = Together<readonly [accountId: string, id: string], Inference | null>;

/** What an isolate looks for at this moment. */
export class LookUps {
  readonly plain: LookUp;
  /** With why it waits. */
  readonly waiting: LookUp;

  constructor(clock: Clock) {
    this.plain = new Together(clock);
    this.waiting = new Together(clock);
  }
}
