import { expect, test } from "vitest";
import { agent } from "./agent.ts";
import { systemText } from "./instructions.ts";

const guide = agent<unknown>({ name: "guide", instructions: "Guide well." });

test("an agent without instructions, documents or schema has no system message", () => {
  expect(systemText(agent<unknown>({ name: "bare" }), false, undefined)).toBe("");
});

test("the instructions come first, then the rules of documents, then the form of the answer", () => {
  const text = systemText(guide, true, { type: "object" });
  const places = ["Guide well.", "You can search documents.", '{"type":"object"}'].map((part) => text.indexOf(part));
  expect(places[0]).toBe(0);
  expect(places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0))).toBe(true);
});

test("rules of documents are told only to an agent that has some", () => {
  expect(systemText(guide, false, undefined)).toBe("Guide well.");
});
