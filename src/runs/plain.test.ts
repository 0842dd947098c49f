import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPlain, toText } from "./plain.ts";

const what = "result";
const viaJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("a plain value", () => {
  it("is what writing and reading it as JSON gives, and shares nothing with what was given", () => {
    const leaf = fc.oneof(fc.string({ unit: "binary" }), fc.double({ noNaN: true, noDefaultInfinity: true }));
    const odd = fc.constantFrom<unknown>(undefined, null, -0, new Date(5), Object("boxed"), Object.create(null), true);
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, leaf, odd, fc.array(tie("tree")), fc.dictionary(fc.string(), tie("tree"))),
    }));
    fc.assert(
      fc.property(fc.record({ tree }), (value) => {
        const plain = toPlain(value, what);
        expect(plain).toStrictEqual(viaJson(value));
        expect(toText(plain, what)).toBe(JSON.stringify(value));
        expect(plain).not.toBe(value);
      }),
    );
  });

  it.each<[string, unknown, unknown]>([
    ["nothing", undefined, undefined],
    ["a list with holes", Array.of(1, undefined, 2), [1, null, 2]],
    ["what has a form of its own", { at: { toJSON: () => "then" } }, { at: "then" }],
    ["a key that would be a prototype", JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
    [
      "an object of a class",
      new (class Point {
        x = 1;
      })(),
      { x: 1 },
    ],
  ])("may come of %s", (_, value, plain) => {
    expect(toPlain(value, what)).toStrictEqual(plain);
  });

  it.each<[string, unknown, string]>([
    ["a map", { of: [new Map()] }, "a Map at of.0"],
    ["a number that is none", [[Number.NaN]], "the number NaN at 0.0"],
    ["a function", () => {}, "holds a function,"],
    ["a big number", { a: { b: 1n } }, "a bigint at a.b"],
  ])("does not come of %s", (_, value, words) => {
    expect(() => toPlain(value, what)).toThrow(
      expect.objectContaining({ code: "step_not_json", message: expect.stringContaining(words) as string }),
    );
  });

  it("does not come of a circle", () => {
    const circle: Record<string, unknown> = {};
    circle["again"] = circle;
    expect(() => toPlain(circle, what)).toThrow(expect.objectContaining({ code: "step_not_json" }));
  });
});
