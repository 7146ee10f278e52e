/**
 * The log of a stream that resumes, whatever becomes of its writers and readers: pieces that are doubled, late or cut anywhere,
 * attempts that are lost, an object that dies. Every reader has every byte once and in order, or is told to begin again.
 */
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { STREAM_PAGE_BYTES } from "../../src/limits.ts";
import { StreamLog } from "../../src/inferences/streams/log.ts";
import { EventCutter, placeOf, placeText } from "../../src/inferences/streams/place.ts";
import { Random } from "../simulator/random.ts";

const encoder = new TextEncoder();
/** Byte by byte: a piece may end within a character. */
const textIn = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString("latin1");

function logOn(database: DatabaseSync): StreamLog {
  return new StreamLog((query, ...params) => database.prepare(query).all(...params));
}

const newLog = () => logOn(new DatabaseSync(":memory:"));

/** What an attempt says: events of many lengths, each with its number. */
function outputOf(attempt: number, random: Random): string {
  const events = Array.from({ length: random.int(1, 40) }, (_, index) => `data: ${attempt}:${index} ${"é".repeat(random.int(0, 30))}\n\n`);
  return events.join("");
}

interface Reader {
  attempt: number;
  offset: number;
  text: string;
}

/** Lives of a stream: two attempts that write at once, though only the later may, and readers that come and go. */
function lived(seed: number): { readers: string[]; kept: string; refused: number } {
  const random = new Random(seed, 1);
  const database = new DatabaseSync(":memory:");
  let log = logOn(database);
  const writers = [1, 2].map((attempt) => ({ attempt, output: encoder.encode(outputOf(attempt, random)), sent: 0, isRefused: false }));
  const readers: Reader[] = Array.from({ length: 3 }, () => ({ attempt: 0, offset: 0, text: "" }));
  let begun = 1;
  const read = (reader: Reader) => {
    const page = log.after(reader.attempt, reader.offset);
    if (page.attempt === 0) return;
    if (page.attempt !== reader.attempt) reader.text = ""; // it is told to begin again
    reader.text += textIn(page.pieces);
    reader.attempt = page.attempt;
    reader.offset = page.begins + textBytes(page.pieces);
  };
  for (let step = 0; step < 400; step++) {
    if (random.chance(0.02)) begun = 2;
    const writer = writers[random.int(0, begun - 1)];
    const fate = random.int(0, 5);
    if (fate === 0) log = logOn(database); // the object died
    else if (fate === 1) readers.forEach((reader) => random.chance(0.5) && read(reader));
    else if (writer && !writer.isRefused) {
      const begins = random.chance(0.2) ? Math.max(0, writer.sent - random.int(0, 50)) : writer.sent; // sent again, or not
      const end = Math.min(writer.output.byteLength, begins + random.int(1, 60));
      const done = log.append(writer.attempt, begins, writer.output.subarray(begins, end));
      writer.isRefused = done !== "kept";
      if (done === "kept") writer.sent = Math.max(writer.sent, end);
    }
  }
  const last = writers[1];
  if (last) log.append(2, last.sent, last.output.subarray(last.sent));
  for (const reader of readers) for (let page = -1; page !== reader.offset;) [page] = [reader.offset, read(reader)];
  return {
    readers: readers.map(({ text }) => text),
    kept: textIn(last ? [last.output] : []),
    refused: writers.filter(({ isRefused }) => isRefused).length,
  };
}

const textBytes = (pieces: readonly Uint8Array[]) => pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);

describe("a log of a stream", () => {
  test("gives every reader every byte of the last attempt once and in order, in 300 lives", () => {
    let refused = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const life = lived(seed);
      refused += life.refused;
      for (const text of life.readers) expect([seed, text]).toEqual([seed, life.kept]);
    }
    expect(refused).toBeGreaterThan(100); // so the fence was met, and not only passed by
  });

  test("refuses an attempt that another has followed, and a piece whose beginning it has not", () => {
    const log = newLog();
    expect(log.append(1, 0, encoder.encode("one"))).toBe("kept");
    expect(log.append(1, 5, encoder.encode("two"))).toBe("gap");
    expect(log.append(2, 3, encoder.encode("two"))).toBe("gap");
    expect(log.append(2, 0, encoder.encode("two"))).toBe("kept");
    expect(log.append(1, 3, encoder.encode("late"))).toBe("stale");
    expect(textIn(log.after(1, 3).pieces)).toBe("two");
  });

  test("answers pages of a bounded size, and nothing after the end", () => {
    const log = newLog();
    const piece = new Uint8Array(STREAM_PAGE_BYTES / 2 + 1);
    for (let index = 0; index < 4; index++) log.append(1, index * piece.byteLength, piece);
    expect(log.after(0, 0)).toMatchObject({ attempt: 1, length: 4 * piece.byteLength, begins: 0, pieces: { length: 2 } });
    expect(log.after(1, 4 * piece.byteLength)).toMatchObject({ begins: 4 * piece.byteLength, pieces: [] });
  });

  test("takes no room before something is written", () => {
    const database = new DatabaseSync(":memory:");
    expect(logOn(database).after(0, 0)).toEqual({ attempt: 0, length: 0, begins: 0, pieces: [] });
    expect(database.prepare("SELECT * FROM sqlite_master").all()).toEqual([]);
  });
});

describe("the events of a stream", () => {
  test("come whole and with the same places, wherever their bytes were cut and wherever a reader begins", () => {
    const random = new Random(7, 1);
    const whole = encoder.encode(outputOf(1, random) + "data: a\ndata: b\n\n");
    const all = new EventCutter(0).take(whole);
    expect(Buffer.concat(all.map(({ event }) => event)).equals(whole)).toBe(true);
    for (let round = 0; round < 100; round++) {
      const begun = all[random.int(0, all.length - 1)]?.end ?? 0;
      const cutter = new EventCutter(begun);
      const events: { event: Uint8Array; end: number }[] = [];
      for (let at = begun; at < whole.byteLength;) {
        const end = at + random.int(1, 40);
        events.push(...cutter.take(whole.subarray(at, end)));
        at = end;
      }
      const expected = all.filter(({ end }) => end > begun);
      expect(events.map(({ event, end }) => [textIn([event]), end])).toEqual(expected.map(({ event, end }) => [textIn([event]), end]));
      expect(cutter.takenIn).toBe(whole.byteLength);
    }
  });

  test("may be large and come in small pieces: each byte is looked at once, not again with every piece after it", () => {
    const piece = new Uint8Array(4_096).fill(97);
    const cutter = new EventCutter(0);
    const begun = performance.now();
    for (let sent = 0; sent < 32 * 1_048_576; sent += piece.byteLength) expect(cutter.take(piece)).toEqual([]);
    const [{ event, end } = { event: new Uint8Array(), end: 0 }] = cutter.take(encoder.encode("\n\n"));
    expect([event.byteLength, end]).toEqual([32 * 1_048_576 + 2, 32 * 1_048_576 + 2]);
    expect(performance.now() - begun).toBeLessThan(20_000); // takes half a second; copied with each piece it would be minutes
  });

  test("have ids that are read again as they were written, and nothing else is one", () => {
    expect(placeOf(placeText({ attempt: 3, offset: 1_048_576 }))).toEqual({ attempt: 3, offset: 1_048_576 });
    for (const text of ["", "1", "0.5", "1.-1", "1.05", "1.5.5", " 1.5", "1.5e3", "x"]) expect([text, placeOf(text)]).toEqual([text, null]);
  });
});
