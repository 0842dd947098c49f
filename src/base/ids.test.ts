import fc from "fast-check";
import { expect, test } from "vitest";
import { isId, newId } from "./ids.ts";
import { seededRandom } from "./random.ts";

const at = (ms: number) => ({ now: () => ms, monotonic: () => 0, sleep: async () => {} });

test("an id has its prefix, ten characters of time and twelve of chance", () => {
  expect(newId("run")).toMatch(/^run_[0-9a-hjkmnp-tv-z]{22}$/);
  expect(isId("run", newId("run"))).toBe(true);
  expect(newId("run", { clock: at(0), random: { next: () => 0 } })).toBe(`run_${"0".repeat(22)}`);
  expect(newId("run", { clock: at(31), random: { next: () => 1 - Number.EPSILON } })).toBe(
    `run_${"0".repeat(9)}z${"z".repeat(12)}`,
  );
});

test("ids of one prefix sort by the millisecond of their making", () => {
  const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
  fc.assert(
    fc.property(time, time, fc.integer(), (first, second, seed) => {
      const random = seededRandom(seed);
      const [a, b] = [newId("run", { clock: at(first), random }), newId("run", { clock: at(second), random })];
      if (first !== second) expect(a < b).toBe(first < second);
    }),
  );
});

test("a clock with parts of milliseconds makes ids that sort all the same", () => {
  const random = { next: () => 0 };
  expect(newId("run", { clock: at(1_700_000_000_001.75), random })).toBe(
    newId("run", { clock: at(1_700_000_000_001), random }),
  );
});

test("ids made in one millisecond differ", () => {
  const clock = at(5);
  expect(new Set(Array.from({ length: 10_000 }, () => newId("run", { clock }))).size).toBe(10_000);
});

test.each([
  "",
  "run",
  "run_",
  "step_01",
  "run_01/../x",
  "run_01\n",
  "run_A",
  "run_01 ",
  `run_${"0".repeat(65)}`,
  "xrun_01",
])("%j is no id of a run", (text) => {
  expect(isId("run", text)).toBe(false);
});
