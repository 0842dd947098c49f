import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGapSketch } from "./gap-sketch.ts";

describe("a sketch of waits", () => {
  it("knows every rank within 19 %, and the longest exactly", () => {
    const waits = fc.array(fc.double({ min: 0.07, max: 200_000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(waits, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const sketch = createGapSketch();
        for (const ms of values) sketch.add(ms);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(values.length * share) - 1] ?? 0;
        expect(sketch.maxMs).toBe(sorted.at(-1));
        expect(sketch.quantile(share)).toBeGreaterThanOrEqual(exact * 0.999);
        expect(sketch.quantile(share)).toBeLessThanOrEqual(exact * 1.19);
      }),
    );
  });

  it("of nothing, or of parts that came together, is next to nothing", () => {
    const sketch = createGapSketch();
    expect(sketch.quantile(0.95)).toBe(0);
    for (let count = 0; count < 100; count++) sketch.add(0.01);
    sketch.add(10);
    expect(sketch.quantile(0.95)).toBeLessThanOrEqual(1 / 16);
    expect(sketch.quantile(1)).toBe(10);
  });
});
