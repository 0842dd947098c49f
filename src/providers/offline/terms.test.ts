import fc from "fast-check";
import { expect, test } from "vitest";
import { synonymsOf } from "./synonyms.ts";
import { contentTerms, isStopWord, stemOf, stemsOf, termsOf } from "./terms.ts";

test("identifiers count as a whole and in their parts", () => {
  const stems = stemsOf("maxRetries keep_alive_timeout HTTPServer");
  for (const word of ["maxretries", "max", "retries", "keep", "alive", "timeout", "http", "server"])
    expect(stems).toContain(stemOf(word));
});

test("versions stay in one piece, with or without a v", () => {
  expect(termsOf("since v1.20.3, not 1.x").map((term) => term.stem)).toEqual(["sinc", "1.20.3", "not", "1.x"]);
});

test("text without spaces is cut into words", () => {
  const words = termsOf("文書を検索する").map((term) => term.word);
  expect(words.length).toBeGreaterThan(2);
  expect(words.join("")).toBe("文書を検索する");
});

test("content terms leave out stop words, lone letters and repetition", () => {
  expect(contentTerms("What is the timeout of a socket, and what are timeouts?").map((term) => term.word)).toEqual([
    "timeout",
    "socket",
  ]);
  expect(isStopWord("the")).toBe(true);
});

test("every term stands in the text where its offset says", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 80 }), (text) => {
      for (const term of termsOf(text)) if (!term.part) expect(text.startsWith(term.word, term.offset)).toBe(true);
    }),
  );
});

test("synonyms hold in both directions and leave rare words alone", () => {
  expect(synonymsOf(stemOf("maximum"))).toContain(stemOf("limit"));
  expect(synonymsOf(stemOf("limit"))).toContain(stemOf("maximum"));
  expect(synonymsOf(stemOf("zebra"))).toBeUndefined();
});
