import { expect, test } from "vitest";
import { fold, queryTerms, splitIdentifier, subtokensOf, wordsOf } from "./words.ts";

test("identifiers are split at their capitals, plain words are not", () => {
  expect(splitIdentifier("parseHTMLText")).toEqual(["parse", "HTML", "Text"]);
  expect(splitIdentifier("CD8")).toEqual([]);
  expect(subtokensOf("call getUserName and XMLHttpRequest, not DNA")).toBe("get User Name XML Http Request");
});

test("a query loses its stop words unless nothing else is left", () => {
  expect(queryTerms("What is the getUserName of Ünïcode?").map((term) => term.word)).toEqual([
    "getusername",
    "get",
    "user",
    "name",
    "unicode",
  ]);
  expect(queryTerms("to be or not to be").length).toBeGreaterThan(2);
  expect(queryTerms("  ?! ")).toEqual([]);
});

test("folding takes marks off letters", () => {
  expect(fold("Crème BRÛLÉE")).toBe("creme brulee");
  expect(wordsOf("a_b c-d 日本語")).toEqual(["a", "b", "c", "d", "日本語"]);
});
