import { expect, test } from "vitest";
import { z } from "zod";
import { agent } from "../agents/index.ts";
import { tool } from "../tools/index.ts";
import {
  add,
  chain,
  each,
  edge,
  end,
  fanOut,
  graph,
  graphErrors,
  loop,
  mapEach,
  node,
  oneOf,
  router,
  start,
  when,
} from "./index.ts";
import type { Edge } from "./index.ts";

const state = z.object({
  draft: z.string().default(""),
  score: z.number().default(0),
  words: z.array(z.string()).default([]),
});
const nothing = () => undefined;

/** Makes a graph of two nodes with edges that the compiler cannot know. */
const withEdges = (edges: readonly Edge<string, never>[], more: object = {}): unknown =>
  graph({ name: "g", state, nodes: { write: nothing, judge: nothing }, edges: edges as never, ...more });
const sound = [start("write"), edge("write", "judge"), edge("judge", end)];

test.each<[string, () => unknown, RegExp]>([
  [
    "a node that nothing leads to",
    () => withEdges([start("write"), edge("write", end), edge("judge", end)]),
    /Nothing leads to the node judge/,
  ],
  [
    "a node that leads nowhere",
    () => withEdges([start("write"), edge("write", "judge")]),
    /The node judge leads nowhere; add an edge, such as edge\("judge", end\)/,
  ],
  [
    "a cycle without a way out",
    () => withEdges([start("write"), edge("write", "judge"), edge("judge", "write")]),
    /No way leads from the node write to the end/,
  ],
  [
    "no start",
    () => withEdges([edge("write", "judge"), edge("judge", end)]),
    /No edge begins it; add start\("write"\)/,
  ],
  [
    "an edge to nowhere",
    () => withEdges([...sound, edge("write", "juge")]),
    /The edge write → juge leads to "juge", which is no node; the nodes are: write, judge, end/,
  ],
  [
    "an edge from nowhere",
    () => withEdges([...sound, edge("wrote", "judge")]),
    /The edge wrote → judge begins at "wrote", which is no node/,
  ],
  [
    "an edge that is there twice",
    () => withEdges([...sound, edge("write", "judge")]),
    /The edge write → judge is there twice/,
  ],
  [
    "a choice of a node that is not there",
    () => withEdges([start("write"), edge("write", "judge"), when("judge", { path: "score", lt: 8 }, ["wite", end])]),
    /The choice of judge leads to "wite"/,
  ],
  [
    "a choice by data that does not say where to",
    () => withEdges([...sound, { kind: "when", from: "judge", choose: { path: "score", lt: 8 } }]),
    /must say where it leads/,
  ],
  [
    "a condition on no key of the state",
    () =>
      withEdges([
        start("write"),
        edge("write", "judge"),
        edge("judge", end, { if: { any: [{ path: "skore", lt: 8 }] } }),
      ]),
    /looks at "skore", which is no key of the state; it has: draft, score, words/,
  ],
  [
    "a condition by a name that is not there",
    () => withEdges([...sound, edge("judge", "write", { if: "good" })]),
    /asks the condition "good", which is not among/,
  ],
  ["weights that are none", () => withEdges([...sound, oneOf("judge", { write: -1 })]), /needs weights of 0 or more/],
  [
    "a condition of a weight that is not there",
    () => withEdges([...sound, oneOf("judge", { write: 1 }, { if: { end: "x" } as never })]),
    /has a condition for "end", to which it does not lead/,
  ],
  [
    "a list that is no key of the state",
    () => withEdges([...sound, each("judge", "write", "wurds")]),
    /looks at "wurds"/,
  ],
  [
    "a reducer for no key of the state",
    () => withEdges(sound, { reducers: { skore: add } }),
    /There is a reducer for "skore"/,
  ],
  [
    "a limit that is none",
    () => withEdges(sound, { limits: { maxSteps: 0 } }),
    /limits.maxSteps must be a whole number above 0/,
  ],
  ["a name that is none", () => withEdges(sound, { name: "a graph" }), /Its name must be/],
  ["no nodes", () => graph({ name: "g", state, nodes: {}, edges: [] }), /It has no nodes/],
  [
    "a node with the graph's own name",
    () => graph({ name: "g", state, nodes: { end: nothing }, edges: [start("end")] }),
    /The node end has a name that is the graph's own/,
  ],
  [
    "a node whose name is none",
    () => graph({ name: "g", state, nodes: { "a b": nothing }, edges: { start: "a b", "a b": end } }),
    /The node name "a b" must be/,
  ],
])("a graph with %s is refused", (_, make, words) => {
  expect(make).toThrow(words);
  expect(make).toThrow(expect.objectContaining({ code: "graph_invalid" }) as Error);
});

const alone = (each_: object): unknown =>
  graph({ name: "g", state, nodes: { one: each_ as never }, edges: { start: "one", one: end } });

test.each<[string, () => unknown, RegExp]>([
  [
    "an input from no key",
    () => alone(node(agent({ name: "a" }), { input: "topic", output: "draft" })),
    /The node one takes its input from "topic"/,
  ],
  [
    "an output into no key",
    () => alone(node(agent({ name: "a" }), { output: "text" })),
    /The node one puts its output into "text"/,
  ],
  [
    "an agent's text that nothing maps",
    () => alone(agent({ name: "a" })),
    /The node one gives a text; say which key of the state it is, such as node\(a, \{ output: "draft" \}\)/,
  ],
  [
    "an agent's output of another kind",
    () => alone(agent({ name: "a", output: z.object({ score: z.string() }) })),
    /The node one gives score as string, but in the state it is number/,
  ],
  [
    "an agent's output of another key",
    () => alone(agent({ name: "a", output: z.object({ grade: z.number() }) })),
    /The node one gives grade, which the state does not have/,
  ],
  [
    "an agent's output that is no object",
    () => alone(agent({ name: "a", output: z.array(z.string()) })),
    /The node one gives array, not an object with keys of the state/,
  ],
  [
    "a mapped output of another kind",
    () => alone(node(agent({ name: "a", output: z.number() }), { output: "draft" })),
    /The node one gives draft as number, but in the state it is string/,
  ],
  [
    "a tool's input that the state lacks",
    () => alone(tool({ name: "t", input: z.object({ city: z.string() }), run: nothing })),
    /The node one needs city, which the state does not have/,
  ],
  [
    "a tool's input of another kind",
    () => alone(tool({ name: "t", input: z.object({ score: z.string() }), run: nothing })),
    /The node one needs score as string, but in the state it is number/,
  ],
])("a node with %s is refused", (_, make, words) => {
  expect(make).toThrow(words);
});

test("all that is wrong is told at once", () => {
  try {
    withEdges([start("write"), edge("write", end)], { reducers: { skore: add } });
    expect.unreachable();
  } catch (error) {
    expect(graphErrors.is(error, "graph_invalid")).toBe(true);
    expect(error).toMatchObject({
      details: { problems: [expect.stringContaining("judge"), expect.stringContaining("skore")] },
    });
  }
});

test("edges of common shapes make sound graphs", () => {
  const nodes = { a: nothing, b: nothing, c: nothing };
  const made = [
    graph({ name: "chain", state, nodes, edges: chain("a", "b", "c") }),
    graph({
      name: "loop",
      state,
      nodes,
      edges: [start("a"), ...loop(["a", "b"], { while: { path: "score", lt: 3 }, exit: "c" }), edge("c", end)],
    }),
    graph({
      name: "fan",
      state,
      nodes: { ...nodes, d: nothing },
      edges: [start("a"), ...fanOut("a", ["b", "c"], "d"), edge("d", end)],
    }),
    graph({
      name: "map",
      state,
      nodes,
      edges: [start("a"), ...mapEach("a", "b", { items: "words", to: "c" }), edge("c", end)],
    }),
    graph({
      name: "router",
      state,
      nodes,
      edges: [start("a"), ...router("a", ["b", "c"], { by: "draft", to: end, otherwise: "c" })],
    }),
  ];
  expect(made.map(({ compiled }) => compiled.structure.edges.length)).toEqual([4, 4, 6, 4, 5]);
});

test("names that are not there and keys of another type are refused by the compiler", () => {
  const typed = () => [
    graph({
      name: "g",
      state,
      nodes: { write: nothing, judge: nothing },
      // @ts-expect-error "juge" is no node.
      edges: [start("write"), edge("write", "juge")],
    }),
    graph({
      name: "g",
      state,
      nodes: { write: nothing },
      // @ts-expect-error "wite" is no node.
      edges: [start("write"), when("write", { path: "score" }, ["wite", end])],
    }),
    // @ts-expect-error "wite" is no node.
    graph({ name: "g", state, nodes: { write: nothing }, edges: { start: "write", write: () => "wite" } }),
    // @ts-expect-error A score is a number.
    graph({ name: "g", state, nodes: { write: () => ({ score: "8" }) }, edges: { start: "write", write: end } }),
  ];
  expect(typed).toThrow();
});
