// A compiled graph of LangGraph as a node of a graph: it is durable, and what it asks is asked of a person. It runs offline.
//   node examples/langgraph.ts
// Needs: npm install @langchain/langgraph @langchain/core
import { Annotation, interrupt, START, StateGraph } from "@langchain/langgraph";
import { createAtlas, edge, end, graph, node, start } from "atlas-agents";
import { langgraph, langgraphSaver } from "atlas-agents/langgraph";
import { sqlite } from "atlas-agents/storage/sqlite";
import { z } from "zod";

const Order = Annotation.Root({
  item: Annotation<string>,
  notes: Annotation<string[]>({ reducer: (notes, more) => [...notes, ...more], default: () => [] }),
});
const ordering = new StateGraph(Order)
  .addNode("price", ({ item }) => ({ notes: [`${item}: ${item.length} euro`] }))
  .addNode("approve", ({ item }) => ({ notes: [interrupt(`Order ${item}?`) === true ? "ordered" : "left"] }))
  .addEdge(START, "price")
  .addEdge("price", "approve");

const shopping = graph({
  name: "shopping",
  state: z.object({ wish: z.string(), notes: z.array(z.string()).default([]) }),
  nodes: {
    order: node(langgraph(ordering.compile()), {
      input: (state: { wish: string }) => ({ item: state.wish }),
      output: ({ notes }) => ({ notes }),
    }),
  },
  edges: [start("order"), edge("order", end)],
});

await using atlas = await createAtlas({ graphs: [shopping] });
const run = await atlas.start(shopping, { wish: "flour" });
for await (const { type, data } of run.events()) {
  if (type === "langgraph.updated") console.log(type, JSON.stringify(data));
  // Kill the process here and start it again: it goes on from LangGraph's own checkpoint, and "price" is not done again.
  if (type === "signal.awaited") await run.signal("order", true);
}
console.log(await run.result());

// The saver alone, for programs that are LangGraph's own: on a file, or with atlas-agents/storage/postgres on a cluster.
await using database = await sqlite({ path: ".atlas/langgraph.db" });
const compiled = ordering.compile({ checkpointer: langgraphSaver(database), interruptBefore: ["approve"] });
const config = { configurable: { thread_id: "order-1" } };
await compiled.invoke({ item: "oil" }, config);
for await (const { next, values } of compiled.getStateHistory(config)) console.log(next, values);
