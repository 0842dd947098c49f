// Runs a graph with a LangGraph graph as its node to its end, or until it is killed, and prints its state in the last line. What the nodes
// of LangGraph really did is told to a file, and said.
//   node worker.ts FOLDER
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { z } from "zod";
import { createAtlas, edge, end, graph, node, start } from "../../src/index.ts";
import { langgraph } from "../../src/graph/adapters/langgraph.ts";

const [folder = ""] = process.argv.slice(2);
const record = (what: string): void => {
  appendFileSync(join(folder, "record.txt"), `${what}\n`);
  process.stdout.write(`${what}\n`);
};
const rounds = 12;

const State = Annotation.Root({
  round: Annotation<number>({ reducer: (_, next) => next, default: () => 0 }),
  words: Annotation<string[]>({ reducer: (words, more) => [...words, ...more], default: () => [] }),
});
const work = (name: string) => async (state: typeof State.State) => {
  await delay(6);
  record(`${name} ${state.round}`);
  return { words: [`${name}${state.round}`] };
};
const inner = new StateGraph(State)
  .addNode("c", work("c"))
  .addNode("d", work("d"))
  .addEdge(START, "c")
  .addEdge("c", "d")
  .compile();
const compiled = new StateGraph(State)
  .addNode("a", work("a"))
  .addNode("b", work("b"))
  .addNode("sub", async (state) => ({ words: (await inner.invoke({ round: state.round, words: [] })).words }))
  .addNode("next", (state) => ({ round: state.round + 1 }))
  .addEdge(START, "a")
  .addEdge(START, "b")
  .addEdge(["a", "b"], "sub")
  .addEdge("sub", "next")
  .addConditionalEdges("next", (state) => (state.round < rounds ? ["a", "b"] : "__end__"))
  .compile();

const killed = graph({
  name: "killed",
  state: z.object({ words: z.array(z.string()).default([]) }),
  nodes: { inner: node(langgraph(compiled, { recursionLimit: 100 }), { output: ({ words }) => ({ words }) }) },
  edges: [start("inner"), edge("inner", end)],
});

await using atlas = await createAtlas({ directory: folder, environment: {}, graphs: [killed], recover: false });
const [known] = await atlas.runs.list({ workflow: "graph:killed", limit: 1 });
const again = async (id: string, isOver: boolean) => await (isOver ? atlas.runs.open(id) : atlas.runs.resume(id));
// A kill may also come between the end of the run and that of the process.
const run = known === undefined ? await atlas.start(killed, {}) : await again(known.id, known.finishedAt !== undefined);
process.stdout.write(JSON.stringify(await run.result()));
