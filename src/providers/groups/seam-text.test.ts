import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSeamText } from "./seam-text.ts";

/** Gives what the reader has after the seam, the second text coming in pieces. */
function joined(before: string, text: string, { exact = false, size = 3 } = {}): string {
  const seam = createSeamText(before, exact);
  let shown = before;
  for (let at = 0; at < text.length; at += size) shown += seam.push(text.slice(at, at + size));
  return shown + seam.end();
}

describe("the text at a seam", () => {
  it.each([
    ["Bread rises because", " yeast breathes.", "Bread rises because yeast breathes."],
    ["Bread rises because", "because yeast breathes.", "Bread rises because yeast breathes."],
    ["Bread rises bec", "because yeast breathes.", "Bread rises because yeast breathes."],
    ["Bread rises because", "Bread rises because yeast breathes.", "Bread rises because yeast breathes."],
    ["Bread rises. ", " It does.", "Bread rises. It does."],
    ["hel", "lo", "hello"],
    ["I like ba", "nanas", "I like bananas"],
    ["1, 2, 3", "", "1, 2, 3"],
  ])("of %j and %j is %j (acceptance 21)", (before, text, whole) => {
    for (const size of [1, 3, 100]) expect(joined(before, text, { size })).toBe(whole);
  });

  it("keeps a short repetition of a model that goes on with the very next token (acceptance 21)", () => {
    expect(joined("0, 0, 0, ", "0, 0.", { exact: true })).toBe("0, 0, 0, 0, 0.");
  });

  it("does not depend on how the text is cut, and never loses what is new (acceptance 21)", () => {
    const words = fc.array(fc.constantFrom("yeast", "bread", "a", ", ", " ", ".", "rises"), { maxLength: 30 });
    fc.assert(
      fc.property(fc.tuple(words, words), fc.integer({ min: 1, max: 9 }), fc.boolean(), (both, size, exact) => {
        const [before, text] = [both[0].join(""), both[1].join("")];
        const whole = joined(before, text, { exact, size: 1_000 });
        expect(joined(before, text, { exact, size })).toBe(whole);
        expect(whole.startsWith(before)).toBe(true);
        expect(text.trimStart().endsWith(whole.slice(before.length).trimStart())).toBe(true);
      }),
    );
  });
});
