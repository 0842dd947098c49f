import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTurns } from "./turns.ts";

it("so many pass at once, the others in the next turns, in order", async () => {
  const pass = createTurns(2);
  const passed: number[] = [];
  const go = async (n: number): Promise<void> => {
    await pass();
    passed.push(n);
  };
  const all = Promise.all([1, 2, 3, 4, 5].map(go));
  await Promise.resolve();
  expect(passed).toEqual([1, 2]);
  await turn();
  expect(passed).toEqual([1, 2, 3, 4]);
  await all;
  expect(passed).toEqual([1, 2, 3, 4, 5]);
  await turn();
  await turn();
  expect([pass(), pass(), pass()]).toEqual([undefined, undefined, expect.any(Promise)]);
});
