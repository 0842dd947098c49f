import { expect, test } from "vitest";
import { systemText } from "./instructions.ts";

const guide = { instructions: "Guide well.", hasDocuments: false, schema: undefined };

test("an agent without instructions, documents or schema has no system message", () => {
  expect(systemText({ ...guide, instructions: "" })).toBe("");
});

test("the instructions come first, then what is known, then the rules of documents, then the form of the answer", () => {
  const text = systemText({ ...guide, facts: ["Tea is hot."], hasDocuments: true, schema: { type: "object" } });
  const places = ["Guide well.", "- Tea is hot.", "You can search documents.", '{"type":"object"}'].map((part) =>
    text.indexOf(part),
  );
  expect(places[0]).toBe(0);
  expect(places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0))).toBe(true);
});

test("rules of documents are told only to an agent that has some", () => {
  expect(systemText(guide)).toBe("Guide well.");
});
