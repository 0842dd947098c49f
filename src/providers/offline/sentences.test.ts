import fc from "fast-check";
import { expect, test } from "vitest";
import { sentencesOf } from "./sentences.ts";

test("ends inside code, after abbreviations and before lower case do not count", () => {
  expect(
    sentencesOf("Call `a. B()` first. Use tools, e.g. Git. It costs 1.5 s. See fig. 3 for more. Is it so? Yes!"),
  ).toEqual([
    "Call `a. B()` first.",
    "Use tools, e.g. Git.",
    "It costs 1.5 s.",
    "See fig. 3 for more.",
    "Is it so?",
    "Yes!",
  ]);
});

test("sentences of scripts without spaces are told apart", () => {
  expect(sentencesOf("検索します。見つかりません！")).toEqual(["検索します。", "見つかりません！"]);
});

test("every sentence stands in the text, in order, and no word is lost", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("Alpha", "beta", "`x. Y`", "3.5", ".", "?", "\n", " ", "e.g."), { maxLength: 30 }),
      (pieces) => {
        const text = pieces.join("");
        let at = 0;
        for (const sentence of sentencesOf(text)) {
          const found = text.indexOf(sentence, at);
          expect(found).toBeGreaterThanOrEqual(at);
          expect(text.slice(at, found).trim()).toBe("");
          at = found + sentence.length;
        }
        expect(text.slice(at).trim()).toBe("");
      },
    ),
  );
});
