import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alternate, median, significant } from "../bench/lib/harness.ts";

describe("the bench harness", () => {
  it("takes the median of rounds whose order alternates, without the first", async () => {
    const order: string[] = [];
    const values = { a: [100, 1, 2, 9], b: [0, 5, 6, 7] };
    const round = (name: "a" | "b") => (): number => {
      order.push(name);
      return values[name].shift() ?? Number.NaN;
    };
    expect(await alternate({ a: round("a"), b: round("b") }, 3)).toEqual({ a: 2, b: 6 });
    expect(order.join("")).toBe("abbaabba");
  });

  it("finds a median that half of the values do not exceed", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 30 }), (values) => {
        const middle = median(values);
        expect(values.filter((value) => value <= middle).length * 2).toBeGreaterThanOrEqual(values.length);
        expect(values.filter((value) => value >= middle).length * 2).toBeGreaterThanOrEqual(values.length);
      }),
    );
    expect(median([])).toBeNaN();
  });

  it("rounds to what a bench can tell", () => {
    expect(significant(1234.567)).toBe(1235);
  });
});
