import { expect, test } from "vitest";
import { forEach } from "./for-each.ts";

test("items are worked on a bounded number at once, each one time", async () => {
  const seen: number[] = [];
  let now = 0;
  let most = 0;
  await forEach(
    Array.from({ length: 20 }, (_, index) => index),
    async (item) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      seen.push(item);
      now--;
    },
    { atOnce: 4 },
  );
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(most).toBe(4);
});

test("the first failure ends it once what is under way is done", async () => {
  const ended: number[] = [];
  const work = async (item: number): Promise<void> => {
    await Promise.resolve();
    if (item === 0) throw new Error("first");
    await Promise.resolve();
    ended.push(item);
  };
  await expect(forEach([0, 1, 2, 3, 4, 5], work, { atOnce: 2 })).rejects.toThrow("first");
  expect(ended).toEqual([1]);
  const aborted = forEach([1], work, { atOnce: 2, signal: AbortSignal.abort() });
  await expect(aborted).rejects.toThrow("abort");
});
