import { expect, test } from "vitest";
import { readPassages } from "./passage.ts";

test("passages are read with what they have, and without what is broken", () => {
  const whole = {
    id: "p1",
    source: "a.md",
    startLine: 3,
    endLine: 9,
    score: 0.5,
    title: "A",
    headings: ["A", "B"],
    text: "The sky is blue.",
  };
  const output = {
    passages: [whole, { id: "p2", text: "Bare." }, { id: 3, text: "No id." }, { id: "p4" }, "p5", null],
  };
  expect(readPassages(output)).toEqual([
    whole,
    { id: "p2", source: "p2", startLine: 1, endLine: 1, score: 0, text: "Bare." },
  ]);
});

test.each([null, "text", [], {}, { passages: "p1" }])("%j holds no passages", (output) => {
  expect(readPassages(output)).toBeUndefined();
});
