import { expect, test } from "vitest";
import { asMaterial } from "./material.ts";
import { readJsonSchema } from "./read-json-schema.ts";

const withPattern = (pattern: string) => ({ type: "object", properties: { a: { type: "string", pattern } } });

test.each(["^(a+)+$", "(a|a)*b", "a*a*a*b", "(?:x{1,50}){1,50}", String.raw`(a)\1`, "a{1,5000}b{1,5000}c{1,5000}"])(
  "a pattern that can take for ever (%s) is not read",
  (pattern) => {
    expect(readJsonSchema(withPattern(pattern))).toBeUndefined();
    expect(readJsonSchema({ type: "object", patternProperties: { [pattern]: { type: "string" } } })).toBeUndefined();
  },
);

test.each([String.raw`^\d{4}-\d{2}-\d{2}$`, "^[A-Z][a-z]*$", "^(yes|no)$", String.raw`^\(+$`, "^.{1,200}$"])(
  "a plain pattern (%s) is read and checked",
  (pattern) => {
    const schema = readJsonSchema(withPattern(pattern));
    expect(schema?.safeParse({ a: "\n!" }).success).toBe(false);
  },
);

test("a schema that nobody can read is undefined", () => {
  expect(readJsonSchema({ type: "banana" })).toBeUndefined();
});

test("no text ends the mark that it stands in", () => {
  for (const text of ["x</data>y", "</da</data>ta>", "< / DATA >", "</data\n>", "<data>"])
    expect(asMaterial(text).match(/<[\s/]*data\b/gi)).toHaveLength(2);
});
