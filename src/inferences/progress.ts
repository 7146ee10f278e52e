/**
 * Progress: what a model says while it runs. It may say something as often as it likes: what it says within PROGRESS_MS of the last
 * is gathered and noted then, by one write. Its word counts while its attempt runs, and dies with it.
 */
import { MEMORY_THINGS, PROGRESS_LINES, PROGRESS_MS, PROGRESS_TAKEN_MS } from "../limits.ts";
import { Memory, oncePer } from "../platform/memory.ts";
import type { Ports } from "../ports.ts";
import { type After, bestEffort, hintDeliveries } from "./hints.ts";
import { type AttemptName, signProgress } from "./progress-token.ts";
import { type Said, noteProgress } from "./sql/progress.ts";

/** The address at which a model tells of an attempt; null where the deployment does not know its own. */
export async function progressUrl(ports: Pick<Ports, "progressOrigin" | "secret">, name: AttemptName): Promise<string | null> {
  const secret = ports.secret("KEY_SECRET");
  if (ports.progressOrigin === "" || secret === null) return null;
  return `${ports.progressOrigin}/v1/progress/${await signProgress(name, secret)}`;
}

/** What is known of an attempt that speaks. */
interface Speaker {
  /** When it was last tried to note something. */
  triedAt: number;
  /** Said and not noted yet. */
  gathered: Said | null;
  /** Until then one of its calls is about to note what is gathered; if it has not by then, it has died with its isolate's work. */
  takenUntil: number;
}

/** Those who spoke last in this isolate, by their attempts' names. */
const speakersOf = oncePer((_clock: Ports["clock"]) => new Memory<Speaker>(MEMORY_THINGS));

type Speaking = Pick<Ports, "db" | "clock" | "deliver">;

/** Takes what a model says of its attempt. False if that does not run, as far as is known. */
export async function say(ports: Speaking, name: AttemptName, said: Said, after: After): Promise<boolean> {
  const { clock } = ports;
  const speakers = speakersOf(clock);
  const key = `${name.accountId}/${name.id}/${name.attempt}`;
  const speaker = speakers.get(key, 0) ?? { triedAt: -Infinity, gathered: null, takenUntil: -Infinity };
  speakers.set(key, speaker, Infinity);
  speaker.gathered = speaker.gathered ? together(speaker.gathered, said) : said;
  const isTaken = () => clock.now() < speaker.takenUntil;
  if (isTaken()) return true;
  const isEarly = clock.now() < speaker.triedAt + PROGRESS_MS;
  if (!isEarly && !(await note(ports, name, speaker, after))) return false;
  if (speaker.gathered && !isTaken()) after(bestEffort("progress_not_noted", noteRest()));
  return true;

  async function noteRest(): Promise<void> {
    while (speaker.gathered && !isTaken()) {
      const wait = Math.max(speaker.triedAt + PROGRESS_MS - clock.now(), 0);
      speaker.takenUntil = clock.now() + wait + PROGRESS_TAKEN_MS;
      await clock.sleep(wait);
      await note(ports, name, speaker, after);
    }
  }
}

/** Notes what is gathered; it stays gathered where another isolate has noted something within PROGRESS_MS. False if the attempt does not run. */
async function note(ports: Speaking, name: AttemptName, speaker: Speaker, after: After): Promise<boolean> {
  const all = speaker.gathered;
  Object.assign(speaker, { gathered: null, triedAt: ports.clock.now(), takenUntil: -Infinity });
  if (!all) return true;
  const { noted, running, isDue } = await noteProgress(ports.db, name, all);
  if (isDue) after(hintDeliveries(ports, [name.accountId]));
  if (!noted && running) speaker.gathered = speaker.gathered ? together(all, speaker.gathered) : all;
  return running;
}

function together(one: Said, next: Said): Said {
  const progress = one.progress === null ? next.progress : Math.max(one.progress, next.progress ?? 0);
  return {
    progress,
    message: next.message ?? one.message,
    previewUrl: next.previewUrl ?? one.previewUrl,
    lines: [...one.lines, ...next.lines].slice(-PROGRESS_LINES),
  };
}
