import { expect, test } from "vitest";
import { debtOffset, debtReport, lostPartPoints } from "./debt.ts";

const part = (name: string, count: number, measured = true) => ({ name, count, weight: 2, measured, note: "" });

test("the total is that of the parts that were measured", () => {
  const report = debtReport("code", [part("todos", 3), part("lint", 9, false)]);
  expect([report.total, report.parts.map(({ points }) => points)]).toEqual([6, [6, 0]]);
});

test("an offset is before minus after, and may be negative", () => {
  const before = debtReport("code", [part("todos", 3), part("lint", 1)]);
  const after = debtReport("code", [part("todos", 1), part("lint", 4)]);
  expect(debtOffset(before, after)).toEqual({
    offset: -2,
    parts: [
      { name: "todos", offset: 4, state: "compared" },
      { name: "lint", offset: -6, state: "compared" },
    ],
  });
});

test("a check that was broken costs; one that is new counts nothing", () => {
  const before = debtReport("code", [part("tests", 5), part("types", 0, false)]);
  const after = debtReport("code", [part("types", 4)]);
  expect(debtOffset(before, after)).toEqual({
    offset: -lostPartPoints,
    parts: [
      { name: "tests", offset: -lostPartPoints, state: "lost" },
      { name: "types", offset: 0, state: "unmeasured" },
    ],
  });
});

test("two parts of one name are refused, and counts that are no numbers", () => {
  expect(() => debtReport("code", [part("todos", 1), part("todos", 2)])).toThrow(/twice/);
  expect(() => debtReport("code", [part("todos", NaN)])).toThrow(/no number/);
});
