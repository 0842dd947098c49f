import { expect, test } from "vitest";
import type { Message } from "../message.ts";
import { userMessage } from "../message.ts";
import { readConversation } from "./conversation.ts";

const result = (output: Extract<Message, { role: "tool" }>["content"][number]["output"], failed = false): Message => ({
  role: "tool",
  content: [{ type: "tool.result", id: "c1", name: "search", output, failed }],
});
const call: Message = {
  role: "assistant",
  content: [{ type: "tool.call", id: "c1", name: "search", input: { query: "a" } }],
};

test("passages of tools are read once each, broken ones are left out", () => {
  const output = {
    passages: [
      { id: "p1", source: "a.md", startLine: 2, endLine: 3, score: 1, title: "T", headings: ["H", 3], text: "x" },
      { id: "p1", text: "y" },
      { id: 4 },
      "no",
    ],
  };
  const conversation = readConversation([userMessage("What?"), call, result(output)]);
  expect(conversation.passages).toEqual([
    { id: "p1", source: "a.md", startLine: 2, endLine: 3, score: 1, title: "T", headings: ["H"], text: "x" },
  ]);
  expect(conversation.rounds).toEqual([[{ name: "search", input: { query: "a" } }]]);
  expect(conversation.onlyFailures).toBe(false);
});

test("what other tools say can be quoted too, failures cannot", () => {
  expect(readConversation([userMessage("?"), call, result("The sky is blue.")]).passages[0]).toMatchObject({
    id: "c1",
    source: "search",
    text: "The sky is blue.",
  });
  expect(readConversation([userMessage("?"), call, result({ celsius: 20 })]).passages[0]?.text).toContain("20");
  const failed = readConversation([userMessage("?"), call, result("broken", true)]);
  expect(failed).toMatchObject({ passages: [], onlyFailures: true });
});

test("a pasted document is told from the question, before or after it", () => {
  const text = `${"The moon is far away. ".repeat(20)}\n\nIt is grey.`;
  for (const message of [`How far is the moon?\n\n${text}`, `${text}\n\nHow far is the moon?`]) {
    const conversation = readConversation([userMessage(message)]);
    expect(conversation.goal).toBe("How far is the moon?");
    expect(conversation.passages[0]?.text).toContain("The moon is far away.");
  }
});

test("only calls since the user spoke last count as rounds", () => {
  expect(readConversation([userMessage("one"), call, result("x"), userMessage("two")])).toMatchObject({
    goal: "two",
    rounds: [],
  });
  expect(readConversation([])).toMatchObject({ goal: "", passages: [], rounds: [] });
});
