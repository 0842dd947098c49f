import fc from "fast-check";
import { expect, test } from "vitest";
import type { AtlasError } from "./errors.ts";
import { isJsonObject, parseJson, stringifyJson } from "./json.ts";

function failure(work: () => unknown): AtlasError {
  try {
    work();
  } catch (error) {
    return error as AtlasError;
  }
  return expect.fail("it was accepted");
}

test("every JSON value survives being written and parsed", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      fc.pre(!JSON.stringify(value).includes('"__proto__"'));
      const text = stringifyJson(value);
      expect(JSON.stringify(parseJson(text))).toBe(text);
    }),
  );
});

test("a text of any kind is parsed as the platform parses it, or refused with json_invalid", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((text) => text.slice(1)),
      ),
      (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(failure(() => parseJson(text)).code).toBe("json_invalid");
          return;
        }
        if (!text.includes("__proto__")) expect(parseJson(text)).toEqual(expected);
      },
    ),
  );
});

test("a message names the source and the place, never the text", () => {
  const error = failure(() => parseJson('{"password": hunter2}', "settings of box 7"));
  expect(error).toMatchObject({ code: "json_invalid", status: 400 });
  expect(error.message).toContain("settings of box 7");
  expect(`${error.message} ${JSON.stringify(error)}`).not.toContain("hunter2");
  expect(error.cause).toBeUndefined();
  expect(failure(() => parseJson('{"a": 1,}')).message).toContain("position 8");
  expect(failure(() => parseJson('{"a": [1')).message).toMatch(/its end|position 8/);
});

test("words of the text that look like a place are not taken for one", () => {
  expect(failure(() => parseJson("at position 4711")).message).not.toContain("4711");
  expect(failure(() => parseJson("x in JSON at position 4711 (line 1 column 1)")).message).not.toContain("4711");
});

test("a text that is too long is refused before it is parsed", () => {
  expect(failure(() => parseJson("[not even json", "body", { maxBytes: 5 })).message).toBe(
    "The JSON of body has 14 characters; the limit is 5.",
  );
  expect(parseJson("[1,2]", "body", { maxBytes: 5 })).toEqual([1, 2]);
});

test("nesting is bounded at exactly the limit", () => {
  expect(parseJson("[[[1]]]", "x", { maxDepth: 3 })).toEqual([[[1]]]);
  expect(failure(() => parseJson("[[[1]]]", "x", { maxDepth: 2 })).message).toContain("nested too deeply");
  expect(failure(() => parseJson('{"a":{"b":{}}}', "x", { maxDepth: 2 })).code).toBe("json_invalid");
  expect(failure(() => parseJson("[".repeat(100_000) + "]".repeat(100_000))).message).toContain("nested too deeply");
});

test.each(['{"__proto__": {"admin": true}}', '[{"a": {"__proto__": 1}}]', '{"\\u005f_proto__": 1}'])(
  "a __proto__ key is refused: %s",
  (text) => {
    expect(failure(() => parseJson(text)).message).toContain("__proto__");
  },
);

test("what cannot be written as JSON is refused with the name of the thing", () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  for (const value of [circle, 1n, { deep: [1n] }]) {
    const error = failure(() => stringifyJson(value, "output of step a"));
    expect(error).toMatchObject({ code: "invalid_input" });
    expect(error.message).toContain("output of step a");
  }
});

test("a value longer than its bound is refused", () => {
  expect(stringifyJson("123", "x", 5)).toBe('"123"');
  expect(failure(() => stringifyJson("1234", "x", 5)).message).toBe("The x is 6 characters as JSON; the limit is 5.");
});

test("what JSON has no word for becomes null", () => {
  expect([undefined, () => 1, Symbol("s"), Number.NaN].map((value) => stringifyJson(value))).toEqual([
    "null",
    "null",
    "null",
    "null",
  ]);
});

test("only plain objects count as JSON objects, lists and null do not", () => {
  expect([{}, { a: 1 }].every(isJsonObject)).toBe(true);
  expect([null, [], "x", 1, undefined, true].some(isJsonObject)).toBe(false);
});
