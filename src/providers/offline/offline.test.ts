import { expect, test } from "vitest";
import { isAtlasError } from "../../base/index.ts";
import type { Message, ToolDefinition } from "../message.ts";
import type { Passage } from "../passage.ts";
import { systemMessage, userMessage } from "../message.ts";
import type { ModelRequest, StreamPart } from "../model.ts";
import { offline } from "./offline.ts";
import { estimateInput, estimateTokens } from "./tokens.ts";

const search: ToolDefinition = {
  name: "search_documents",
  description: "Searches.",
  purpose: "retrieval",
  inputSchema: { type: "object", properties: { query: { type: "string" } }, required: ["query"] },
};
const weather: ToolDefinition = {
  name: "weather",
  description: "Tells the weather.",
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const passages: readonly Passage[] = [
  {
    id: "p1",
    source: "pool.md",
    startLine: 1,
    endLine: 3,
    score: 2,
    text: "A pool keeps connections open. The default size of a pool is 10 connections.",
  },
];

async function partsOf(request: ModelRequest, signal?: AbortSignal): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of offline().stream(request, { signal })) parts.push(part);
  return parts;
}
const textIn = (parts: readonly StreamPart[]): string =>
  parts.map((part) => (part.type === "text.delta" ? part.text : "")).join("");
const inputs = (parts: readonly StreamPart[]) =>
  parts.flatMap((part) => (part.type === "tool.completed" ? [part.input] : []));
function end(parts: readonly StreamPart[]): Extract<StreamPart, { type: "response.finished" }> {
  const last = parts.at(-1);
  if (last?.type !== "response.finished") throw new Error("The stream has no end.");
  return last;
}
function afterSearch(
  goal: string,
  output: Extract<Message, { role: "tool" }>["content"][number]["output"],
  more: Partial<{ failed: boolean; tool: string }> = {},
): Message[] {
  const name = more.tool ?? search.name;
  return [
    userMessage(goal),
    { role: "assistant", content: [{ type: "tool.call", id: "c1", name, input: { query: goal } }] },
    { role: "tool", content: [{ type: "tool.result", id: "c1", name, output, failed: more.failed ?? false }] },
  ];
}

test("a compound goal is searched in parallel, one query for each part", async () => {
  const parts = await partsOf({
    messages: [userMessage("What is a pool and how do I close an agent?")],
    tools: [search],
  });
  expect(inputs(parts)).toEqual([{ query: "What is a pool" }, { query: "how do I close an agent?" }]);
  const called = ["tool.started", "tool.delta", "tool.completed"];
  expect(parts.map((part) => part.type)).toEqual(["response.started", ...called, ...called, "response.finished"]);
  expect(end(parts)).toMatchObject({
    finishReason: "tool_calls",
    usage: { provenance: "estimated" },
    metadata: { extractive: true },
  });
});

test("what was found is quoted and cited", async () => {
  const parts = await partsOf({
    messages: afterSearch("What is the default size of a pool?", { passages }),
    tools: [search],
  });
  expect(textIn(parts)).toContain("The default size of a pool is 10 connections. [p1]");
  expect(end(parts)).toMatchObject({
    finishReason: "stop",
    metadata: { extractive: true, answered: true, unanswered: [] },
  });
});

test("a poor result is searched once more by keywords, then the answer says what is open", async () => {
  const goal = "Who painted the ceiling of the old chapel?";
  const messages = afterSearch(goal, { passages });
  const again = await partsOf({ messages, tools: [search] });
  expect(inputs(again)).toEqual([{ query: "painted ceiling chapel" }]);
  messages.push(...afterSearch(goal, { passages: [] }).slice(1));
  const parts = await partsOf({ messages, tools: [search] });
  expect(textIn(parts)).toBe(`The documents do not answer this: ${goal}`);
  expect(end(parts).metadata).toEqual({ extractive: true, answered: false, sentences: 0, unanswered: [goal] });
});

test("a tool that takes a query and tells of searching is used where none says that it retrieves", async () => {
  const { purpose: _, ...plain } = search;
  expect(inputs(await partsOf({ messages: [userMessage("What is a pool?")], tools: [weather, plain] }))).toHaveLength(
    1,
  );
  expect(inputs(await partsOf({ messages: [userMessage("What is a pool?")], tools: [weather] }))).toEqual([]);
});

test("a search that failed is said to have failed", async () => {
  const parts = await partsOf({
    messages: afterSearch("What is a pool?", "no index", { failed: true }),
    tools: [search],
  });
  expect(textIn(parts)).toContain("The search of the documents failed.");
});

test("tool choice is honoured", async () => {
  const messages = [userMessage("How is the weather in city Lisbon?")];
  expect(inputs(await partsOf({ messages, tools: [search], toolChoice: "none" }))).toEqual([]);
  expect(inputs(await partsOf({ messages, tools: [search, weather], toolChoice: { name: "weather" } }))).toEqual([
    { city: "Lisbon" },
  ]);
  expect(inputs(await partsOf({ messages, tools: [weather], toolChoice: "required" }))).toEqual([{ city: "Lisbon" }]);
  expect(inputs(await partsOf({ messages, tools: [search, weather], toolChoice: { name: search.name } }))).toHaveLength(
    1,
  );
  expect(inputs(await partsOf({ messages, tools: [weather], toolChoice: { name: "other" } }))).toEqual([]);
  const refused = await partsOf({ messages: [userMessage("How is it?")], tools: [weather], toolChoice: "required" });
  expect(end(refused).metadata).toMatchObject({
    refusal: { reason: "arguments_not_found", tool: "weather", path: "city" },
  });
  const called = afterSearch("How is the weather in city Lisbon?", "It rains in the city Lisbon, the weather is bad.", {
    tool: "weather",
  });
  expect(textIn(await partsOf({ messages: called, tools: [weather], toolChoice: { name: "weather" } }))).toContain(
    "It rains",
  );
});

test("text that the user pasted is quoted, and without any text the way to documents is told", async () => {
  const pasted = `How many connections does a pool keep?\n\n${passages[0]?.text ?? ""}\n\n${"Something else is said here. ".repeat(15)}`;
  expect(textIn(await partsOf({ messages: [userMessage(pasted)] }))).toContain("10 connections. [text1]");
  const parts = await partsOf({ messages: [systemMessage("Be brief."), userMessage("What is a pool?")] });
  expect(textIn(parts)).toContain("--knowledge PATH");
  expect(end(parts).metadata).toMatchObject({ answered: false, unanswered: ["What is a pool?"] });
});

test("a schema is filled after the search, a plan's at once, and what cannot be filled is refused", async () => {
  const schema = { type: "object", properties: { size: { type: "integer" } }, required: ["size"] };
  const format = { name: "size", schema };
  const messages = afterSearch("How many connections is the default size of a pool?", { passages });
  expect(JSON.parse(textIn(await partsOf({ messages, tools: [search], responseFormat: format })))).toEqual({
    size: 10,
  });
  const refused = await partsOf({ messages: [userMessage("What is the size?")], responseFormat: format });
  expect(end(refused).metadata).toMatchObject({
    answered: false,
    refusal: { reason: "schema_not_filled", path: "size" },
  });
  const plan = {
    name: "plan",
    schema: {
      type: "object",
      properties: { questions: { type: "array", items: { type: "string" } } },
      required: ["questions"],
    },
  };
  const planned = await partsOf({
    messages: [userMessage("What is a pool? What is an agent?")],
    tools: [search],
    responseFormat: plan,
  });
  expect(JSON.parse(textIn(planned))).toEqual({ questions: ["What is a pool?", "What is an agent?"] });
});

test("the same request gets the same parts", async () => {
  const request = { messages: afterSearch("What is a pool?", { passages }), tools: [search] };
  expect(await partsOf(request)).toEqual(await partsOf(request));
});

test("limits and stop sequences end the text", async () => {
  const messages = afterSearch("What is the default size of a pool?", { passages });
  const short = await partsOf({ messages, maxOutputTokens: 4 });
  expect(end(short)).toMatchObject({ finishReason: "length" });
  expect(end(short).usage.outputTokens).toBeLessThanOrEqual(4);
  expect(textIn(await partsOf({ messages, stopSequences: ["", "default"] }))).not.toContain("default");
});

test("an abort ends the stream with its reason", async () => {
  const messages = afterSearch("What is the default size of a pool?", { passages });
  await expect(partsOf({ messages }, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
  const controller = new AbortController();
  const seen: StreamPart[] = [];
  const reading = async (): Promise<void> => {
    for await (const part of offline().stream({ messages }, { signal: controller.signal })) {
      seen.push(part);
      if (part.type === "text.delta") controller.abort();
    }
  };
  await expect(reading()).rejects.toSatisfy(isAtlasError);
  expect(seen.filter((part) => part.type === "text.delta")).toHaveLength(1);
});

test("tokens are estimated from words, numbers and signs", () => {
  expect(estimateTokens("")).toBe(0);
  expect(estimateTokens("the quick fox")).toBe(3);
  expect(estimateTokens("internationalisation 123456 検索")).toBe(4 + 2 + 2);
  const messages = afterSearch("a", { passages });
  const alone = estimateInput({ messages });
  expect(
    estimateInput({ messages, tools: [search], responseFormat: { name: "x", schema: { type: "object" } } }),
  ).toBeGreaterThan(alone);
});

test("the model names itself and costs nothing", () => {
  expect(offline()).toMatchObject({
    provider: "offline",
    name: "extractive",
    capabilities: { cost: "free", pauseEffect: "generation" },
  });
});
