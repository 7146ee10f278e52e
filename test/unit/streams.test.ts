import { array, assert, asyncProperty, nat, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { joined } from "../../src/encoding/chunks.ts";
import { bytesUpTo, readUpTo } from "../../src/encoding/streams.ts";

/** A body of these chunks, and whether its sender was told to stop. */
function bodyOf(chunks: readonly Uint8Array[], more: { endless?: boolean } = {}) {
  const state = { canceled: false };
  const left = [...chunks];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = left.shift() ?? (more.endless ? new Uint8Array(100) : undefined);
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel() {
      state.canceled = true;
    },
  });
  return { body, state };
}

const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => index % 256);

test("a body is read up to its limit, to the byte, however it is cut into chunks", async () => {
  await assert(
    asyncProperty(array(uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 }), nat(200), async (chunks, limit) => {
      const whole = joined(chunks);
      const taken: Uint8Array[] = [];
      const fits = await readUpTo(bodyOf(chunks).body, limit, (chunk) => taken.push(chunk));
      expect(fits).toBe(whole.byteLength <= limit);
      expect(joined(taken)).toEqual(whole.subarray(0, limit));
      expect(await bytesUpTo(bodyOf(chunks).body, limit)).toEqual(fits ? whole : null);
    }),
  );
});

test("the taker knows how many bytes have come, never more than the limit", async () => {
  const seen: number[] = [];
  await readUpTo(bodyOf([bytes(3), bytes(3), bytes(3)]).body, 7, (_, soFar) => seen.push(soFar));
  expect(seen).toEqual([3, 6, 7]);
});

test("an endless body is cancelled at the limit", async () => {
  const { body, state } = bodyOf([], { endless: true });
  expect(await bytesUpTo(body, 1_000)).toBeNull();
  expect(state.canceled).toBe(true);
});

test("a body is cancelled if its taker throws, and the taker's error is what is thrown", async () => {
  const { body, state } = bodyOf([bytes(1)], { endless: true });
  const refuse = () => {
    throw new Error("no room");
  };
  await expect(readUpTo(body, 1_000, refuse)).rejects.toThrow("no room");
  expect(state.canceled).toBe(true);
});
