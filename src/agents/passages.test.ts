import { expect, test } from "vitest";
import type { JsonValue } from "../base/index.ts";
import type { Message } from "../providers/index.ts";
import { userMessage } from "../providers/index.ts";
import { retrievedPassages } from "./passages.ts";

const passage = (id: string, text: string) => ({ id, source: "/docs/a.md", startLine: 1, endLine: 2, score: 1, text });
const results = (...outputs: JsonValue[]): Message => ({
  role: "tool",
  content: outputs.map((output, index) => ({
    type: "tool.result",
    id: `call_${index}`,
    name: "search_documents",
    output,
  })),
});

test("passages are gathered from every search, each id once, in the order they were first returned", () => {
  const messages = [
    userMessage("Go."),
    results({ passages: [passage("p2", "first")] }, { passages: [passage("p1", "second")] }),
    results({ passages: [passage("p2", "again"), passage("p3", "third")] }),
  ];
  expect(retrievedPassages(messages).map(({ id, text }) => [id, text])).toEqual([
    ["p2", "first"],
    ["p1", "second"],
    ["p3", "third"],
  ]);
});

test("what other tools return is left out", () => {
  expect(
    retrievedPassages([
      results({ error: "tool_failed" }, null, "text", { passages: "none" }, { passages: [{ id: 5 }] }),
    ]),
  ).toEqual([]);
  expect(retrievedPassages([])).toEqual([]);
});
