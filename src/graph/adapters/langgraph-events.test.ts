import { AIMessageChunk } from "@langchain/core/messages";
import { expect, test } from "vitest";
import { eventsOf } from "./langgraph-events.ts";

const origin = { node: "write", visit: 2, graph: "writer" };
const of = (chunk: unknown) => [...eventsOf(chunk, origin)];

test("a node that is done is told with its update and the subgraph that it is in; LangGraph's own marks are not", () => {
  expect(of([["sub:1"], "updates", { draft: { text: "a" }, __interrupt__: [] }])).toEqual([
    { type: "langgraph.updated", data: { ...origin, within: ["sub:1"], at: "draft", update: { text: "a" } } },
  ]);
});

test("an update that is long is told by its size, and one that is no data by nothing", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  const [long, none, odd] = of([[], "updates", { long: "x".repeat(10_000), none: null, odd: cycle }]);
  expect(long?.data).toEqual({ ...origin, at: "long", sizeChars: 10_002 });
  expect(none?.data).toEqual({ ...origin, at: "none" });
  expect(odd?.data).toEqual({ ...origin, at: "odd" });
});

test("pieces of messages and what a node writes to the stream are live only", () => {
  const piece = new AIMessageChunk({ content: "Bread" });
  expect(of([[], "messages", [piece, { langgraph_node: "say" }]])).toEqual([
    { type: "langgraph.streamed", data: { ...origin, at: "say", text: "Bread" }, transient: true },
  ]);
  expect(of([[], "custom", { done: 3 }])).toEqual([
    { type: "langgraph.streamed", data: { ...origin, data: { done: 3 } }, transient: true },
  ]);
  expect(of([[], "messages", [new AIMessageChunk({ content: "" }), {}]])).toEqual([]);
  expect(of("anything else")).toEqual([]);
});
