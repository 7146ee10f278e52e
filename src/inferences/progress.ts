/**
 * Progress: what a model says while it runs. It may say something as often as it likes: what it says within PROGRESS_MS of the last
 * is gathered and noted then, by one write. Its word counts while its attempt runs, and dies with it.
 */
import { MEMORY_THINGS, PROGRESS_LINES, PROGRESS_MS } from "../limits.ts";
import { Memory, oncePer } from "../platform/memory.ts";
import type { Ports } from "../ports.ts";
import { type After, bestEffort } from "./hints.ts";
import { type AttemptName, signProgress } from "./progress-token.ts";
import { type Said, noteProgress } from "./sql/progress.ts";

/** The address at which a model tells of an attempt; null where the deployment does not know its own. */
export async function progressUrl(ports: Pick<Ports, "publicUrl" | "secret">, name: AttemptName): Promise<string | null> {
  const secret = ports.secret("KEY_SECRET");
  if (ports.publicUrl === "" || secret === null) return null;
  return `${ports.publicUrl}/v1/progress/${await signProgress(name, secret)}`;
}

/** What is known of an attempt that speaks. */
interface Speaker {
  notedAt: number;
  /** Said and not noted yet; it will be. */
  gathered: Said | null;
}

/** Those who spoke last in this isolate, by their attempts' names. */
const speakersOf = oncePer((_clock: Ports["clock"]) => new Memory<Speaker>(MEMORY_THINGS));

/** Takes what a model says of its attempt. False if that does not run, as far as is known. */
export async function say(ports: Pick<Ports, "db" | "clock">, name: AttemptName, said: Said, after: After): Promise<boolean> {
  const { clock, db } = ports;
  const speakers = speakersOf(clock);
  const key = `${name.accountId}/${name.id}/${name.attempt}`;
  const speaker = speakers.get(key, 0) ?? { notedAt: -Infinity, gathered: null };
  speakers.set(key, speaker, Infinity);
  if (speaker.gathered) {
    speaker.gathered = together(speaker.gathered, said);
    return true;
  }
  const wait = speaker.notedAt + PROGRESS_MS - clock.now();
  const note = async () => {
    const all = speaker.gathered ?? said;
    speaker.gathered = null;
    speaker.notedAt = clock.now();
    return { all, ...(await noteProgress(db, name, all)) };
  };
  const noteLater = async (ms: number) => {
    await clock.sleep(ms);
    await note();
  };
  if (wait <= 0) {
    const { all, noted, running } = await note();
    if (noted || !running) return running;
    speaker.gathered = speaker.gathered ? together(all, speaker.gathered) : all; // another isolate has noted something within that time
  } else speaker.gathered = said;
  after(bestEffort("progress_not_noted", noteLater(Math.max(wait, 0) || PROGRESS_MS)));
  return true;
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
