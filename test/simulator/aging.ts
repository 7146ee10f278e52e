/**
 * The days after a seed's inferences have ended: deliveries go on by their schedule, files and inferences pass their
 * retention, and what nobody has is found. Little happens in them, so time leaps from one thing that is due to the next.
 * Faults come back for the first leaps, then end; then everything that is due must be dealt with soon, and in the end
 * the bucket holds nothing that no row names.
 */
import { ORPHAN_LAP_MS, ORPHAN_MS } from "../../src/limits.ts";
import { BEGINNING } from "./schedule.ts";
import type { World } from "./world.ts";

/** What is due is dealt with this long after, with no fault left: the walk through the bucket takes the cron three minutes. */
const DEALT_WITH_MS = 900_000;
/** An object that no row names is found on the first walk that begins when it is old enough; a leap may fall into the one before. */
const ORPHAN_FOUND_MS = ORPHAN_MS + 3 * ORPHAN_LAP_MS;
/** Long after the last retention, in which nothing may be left to do. */
const HORIZON_MS = 30 * 86_400_000;
/** By then every request that was under way has ended. */
const STRAGGLERS_MS = 120_000;

export async function age(world: World): Promise<void> {
  const { random } = world;
  // What still hung when the faults ended comes to its end first: no request takes days.
  await pass(world, STRAGGLERS_MS);
  if (random.chance(0.7)) {
    world.resumeFaults();
    for (let leaps = random.int(1, 8); leaps > 0 && !world.violation; leaps--) {
      const due = nextDue(world);
      if (due === null) break;
      world.leap(due + random.magnitude(1, 3_600_000));
      await pass(world, random.magnitude(1_000, 120_000));
    }
    world.endFaults();
    await pass(world, 120_000);
  }
  while (!world.violation) {
    const due = nextDue(world);
    if (due === null) break;
    if (due > BEGINNING + HORIZON_MS) return world.violate("everything comes to its end", `something is due only in ${due - BEGINNING} ms`);
    // A little later, since much is due about the same time.
    world.leap(due + random.int(0, 60_000));
    await settle(world);
  }
  if (!world.violation) judgeEnd(world);
}

/** Lets time go by. */
async function pass(world: World, ms: number): Promise<void> {
  const end = world.elapsedMs + ms;
  while (!world.violation && world.elapsedMs < end) await world.schedule.step();
}

/** Until nothing is due and no call is on its way. */
async function settle(world: World): Promise<void> {
  const begun = world.elapsedMs;
  let lookedAt = -Infinity;
  for (;;) {
    await world.schedule.step();
    if (world.violation) return;
    if (world.elapsedMs - lookedAt < 500) continue;
    lookedAt = world.elapsedMs;
    if (world.isStill && (nextDue(world) ?? Infinity) > world.schedule.now) return;
    if (world.elapsedMs - begun > DEALT_WITH_MS) return world.violate("what is due is dealt with", describe(world));
  }
}

/** When anything is due, in ms; null if nothing ever is. What is overdue is due as well. */
function nextDue(world: World): number | null {
  const times = [...DUE, ...PAST].map((question) => world.ask(question)).filter((at) => at !== null);
  const walkAt = world.ask("SELECT due_at FROM chores WHERE name = 'orphans'") ?? 0;
  for (const { key, at } of world.objects.all()) {
    if (!world.storage.isKnown(key)) times.push(Math.min(Math.max(at + ORPHAN_MS, walkAt), at + ORPHAN_FOUND_MS));
  }
  return times.length === 0 ? null : Math.min(...times);
}

const DUE = [
  "SELECT min(due_at) FROM deliveries WHERE due_at IS NOT NULL",
  "SELECT min(expires_at) FROM files",
  "SELECT min(expires_at) FROM inferences WHERE expires_at IS NOT NULL",
  "SELECT min(due_at) FROM removals",
];
/** What is past its account's retention. */
const PAST = [
  "SELECT min(finished_at + retention_seconds) FROM (SELECT finished_at, accounts.retention_seconds * 1000 AS retention_seconds FROM inferences JOIN accounts ON accounts.id = account_id)",
];

function describe(world: World): string {
  const { now } = world.schedule;
  const late = DUE.concat(PAST).flatMap((question) => {
    const at = world.ask(question);
    return at !== null && at <= now ? [`${question.slice(7, 50)} ${now - at} ms ago`] : [];
  });
  const orphans = [...world.objects.all()].filter(({ key }) => !world.storage.isKnown(key)).map(({ key }) => key);
  return [...late, ...orphans.map((key) => `${key} is no row's`)].join("; ") || "calls never end";
}

function judgeEnd(world: World): void {
  const counts = {
    deliveries: world.deliveries.open,
    inferences: world.ask("SELECT count(*) FROM inferences"),
    files: world.ask("SELECT count(*) FROM files"),
  };
  for (const [what, count] of Object.entries(counts)) {
    if (count !== 0) world.violate("everything comes to its end", `${count} ${what} are left`);
  }
  for (const { key } of world.objects.all()) world.violate("no object without a row", key);
  const endpoints = world.ask("SELECT coalesce(sum(max(1024, octet_length(url))), 0) FROM endpoints"); // kept for as long as they are stopped
  const stored = world.ask(`SELECT sum(stored_bytes + database_bytes) - ${endpoints} FROM accounts`);
  if (stored !== 0) world.violate("quotas equal a recount", `${stored} bytes are counted, and nothing is stored`);
}
