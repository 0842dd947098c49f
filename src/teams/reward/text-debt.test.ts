import { expect, test } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { debtOffset } from "./debt.ts";
import { textDebt } from "./text-debt.ts";
import type { TextDebtOptions } from "./text-debt.ts";

const { signal } = new AbortController();
async function offsetOf(text: string, metadata: JsonObject, options?: TextDebtOptions): Promise<number> {
  const meter = textDebt(options);
  const before = await meter.measure({ when: "before", goal: "Write." }, { signal });
  const after = await meter.measure(
    { when: "after", goal: "Write.", result: { text, output: text, metadata } },
    { signal },
  );
  return debtOffset(before, after).offset;
}

test("the points that feedback raised and that were closed are paid off, by their weight", async () => {
  const feedback = [
    [
      { id: "sources", open: true, weight: 3 },
      { id: "length", open: true },
      { id: "tone", open: true },
    ],
    [
      { id: "sources", open: false, weight: 3 },
      { id: "length", open: false },
    ],
  ];
  expect(await offsetOf("", { feedback })).toBe(4);
});

test("a result without feedback, or with what is none, pays nothing off", async () => {
  expect(await offsetOf("", {})).toBe(0);
  expect(
    await offsetOf("", { feedback: ["x", { id: 1, open: false }, { id: "a", open: false, weight: -5 }, null] }),
  ).toBe(0);
});

test("points of one's own may be open from the start", async () => {
  const demands = ["bread", "yeast", "salt"];
  const points: TextDebtOptions["points"] = ({ result }) =>
    demands.map((id) => ({ id, fromStart: true, open: result?.text.includes(id) !== true }));
  expect(await offsetOf("bread with salt", {}, { points })).toBe(2);
  expect(await offsetOf("water", {}, { points })).toBe(0);
});
