import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalise, readVector } from "./vectors.ts";

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });

describe("a vector", () => {
  it("is the same from numbers and from base64", () => {
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 64, noNaN: true }), (vector) => {
        const text = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
        expect(readVector(text)).toEqual(vector);
        if (vector.every((number) => Number.isFinite(number))) expect(readVector([...vector])).toEqual(vector);
      }),
    );
  });

  it.each([["@@@@"], ["AAAA"], [7], [null], [{}], [[1, null]], [undefined]])("is not made of %j", (value) => {
    expect(readVector(value)).toBeUndefined();
  });

  it("is refused at once when it is padding without end", () => {
    const startMs = performance.now();
    expect(readVector(`${"=".repeat(200_000)}A`)).toBeUndefined();
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });

  it("has length 1 after it was normalised, however large or small it was, and its direction", () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 32 }), (numbers) => {
        const vector = new Float32Array(numbers);
        const unit = normalise(vector);
        if (vector.every((number) => number === 0)) return expect(unit).toBeUndefined();
        expect(Math.hypot(...(unit ?? []))).toBeCloseTo(1, 5);
        const largest = vector.reduce(
          (best, number, at) => (Math.abs(number) > Math.abs(vector[best] ?? 0) ? at : best),
          0,
        );
        expect(Math.sign(unit?.[largest] ?? 0)).toBe(Math.sign(vector[largest] ?? 0));
      }),
    );
  });

  it("has no direction when it is not finite", () => {
    expect(normalise(new Float32Array([Number.NaN, 1]))).toBeUndefined();
    expect(normalise(new Float32Array([Number.POSITIVE_INFINITY, 1]))).toBeUndefined();
  });
});
