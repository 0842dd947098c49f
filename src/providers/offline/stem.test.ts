import fc from "fast-check";
import { expect, test } from "vitest";
import { stem } from "./stem.ts";

test.each([
  ["caresses", "caress"],
  ["ponies", "poni"],
  ["cats", "cat"],
  ["agreed", "agre"],
  ["plastered", "plaster"],
  ["motoring", "motor"],
  ["sing", "sing"],
  ["conflated", "conflat"],
  ["hopping", "hop"],
  ["falling", "fall"],
  ["filing", "file"],
  ["happy", "happi"],
  ["relational", "relat"],
  ["conditional", "condit"],
  ["triplicate", "triplic"],
  ["electrical", "electr"],
  ["adjustment", "adjust"],
  ["adoption", "adopt"],
  ["controlling", "control"],
  ["rate", "rate"],
  ["probate", "probat"],
  ["hopefulness", "hope"],
  ["sky", "sky"],
])("%s becomes %s", (word, expected) => {
  expect(stem(word)).toBe(expected);
});

test("forms of one word meet", () => {
  expect(new Set(["retry", "retries", "retried"].map(stem)).size).toBe(1);
  expect(new Set(["configure", "configured", "configuring"].map(stem)).size).toBe(1);
});

test("words with other letters stay as they are", () => {
  expect(stem("größen")).toBe("größen");
  expect(stem("is")).toBe("is");
});

test("a stem is never longer than the word and one letter, and never empty", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,14}$/), (word) => {
      const result = stem(word);
      expect(result.length).toBeGreaterThan(0);
      expect(result.length).toBeLessThanOrEqual(word.length);
    }),
  );
});
