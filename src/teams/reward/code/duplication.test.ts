import { expect, test } from "vitest";
import { copiedLines, sketchOf } from "./duplication.ts";
import type { Sketch } from "./duplication.ts";
import { languageOf, scanTokens } from "./scan-tokens.ts";

const language = languageOf("a.ts");
const tokensOf = (text: string): Sketch => sketchOf(language ? scanTokens(text, language).tokens : []);
const body = (mark: string, lines = 10): string =>
  Array.from(
    { length: lines },
    (_, index) => `  total${mark} += price[${index}] * count(${index}, "${mark}") - rebate;`,
  ).join("\n");

test("the lines of a copy are counted, not those of what was copied", () => {
  const [first, copy] = [tokensOf(`function a() {\n${body("A")}\n}`), tokensOf(`const b = 1;\n${body("A")}\nend();`)];
  expect(copiedLines([first])).toBe(0);
  expect(copiedLines([first, copy])).toBe(10);
});

test("another text in a string is a copy all the same; other names are none", () => {
  const first = tokensOf(body("A"));
  expect(copiedLines([first, tokensOf(body("A").replaceAll('"A"', '"else"'))])).toBe(10);
  expect(copiedLines([first, tokensOf(body("B"))])).toBe(0);
});

test("what is shorter than a copy is none", () => {
  expect(copiedLines([tokensOf(body("A", 2)), tokensOf(body("A", 2))])).toBe(0);
});
