import { expect, test } from "vitest";
import { z } from "zod";
import { useAtlas } from "../../test/lib/atlas.ts";
import type { JsonValue } from "../base/index.ts";
import {
  add,
  append,
  edge,
  end,
  graph,
  graphFromJson,
  graphHistory,
  graphToJson,
  oneOf,
  reducer,
  start,
  when,
} from "./index.ts";
import type { AnyGraph, Edge, Graph, NodeContext } from "./index.ts";

const atlas = useAtlas();
const state = z.object({ count: z.number().default(0), trail: z.array(z.string()).default([]) });
const visit = (_: unknown, { node, visit: count }: NodeContext) => ({ trail: [`${node}${count}`] });
const run = async (made: unknown, input: unknown = {}): Promise<unknown> =>
  (await atlas().start(made as Graph<unknown, unknown>, input)).result();

test("a node may have a name that every object answers to", async () => {
  // The compiler takes the names of every object for wrong conditions.
  const priority: object = { valueOf: { path: "count", is: 1 } };
  const made = graph({
    name: "names",
    state,
    reducers: { trail: append },
    nodes: { constructor: visit, toString: visit, valueOf: visit },
    edges: [
      start("constructor"),
      oneOf("constructor", { toString: 2, valueOf: 1 }, { by: "priority", if: priority }),
      when("toString", (now: z.infer<typeof state>) => (now.trail.length < 4 ? "constructor" : end), [
        "constructor",
        end,
      ]),
      edge("valueOf", end),
    ],
  });
  const handle = await atlas().start(made, {});
  expect((await handle.result()).trail).toEqual(["constructor1", "toString1", "constructor2", "toString2"]);
  expect(await graphHistory(handle, made)).toHaveLength(5);
});

test("an update changes no prototype, whatever keys the state may have", async () => {
  const made = graph({
    name: "prototype",
    state: z.looseObject({}),
    nodes: { one: () => JSON.parse('{"__proto__":{"polluted":1}}') as object },
    edges: [start("one"), edge("one", end)],
  });
  await expect(run(made)).rejects.toThrow(/The node one gave __proto__, which the state does not have/);
});

test("what a condition's function throws is told with its edge", async () => {
  const fails = (): never => {
    throw new TypeError("no such draft");
  };
  const made = graph({
    name: "asks",
    state,
    nodes: { one: visit },
    edges: [start("one"), when("one", fails, [end])],
    reducers: { trail: append },
  });
  await expect(run(made)).rejects.toMatchObject({
    code: "graph_route_unknown",
    message: "In the graph asks the function one/1, which an edge of one asks, failed: no such draft.",
  });
});

test("two reducers of one name are refused: neither a run nor JSON could tell them apart", () => {
  const make = (...[one, two]: readonly [typeof add, typeof add]): AnyGraph =>
    graph({
      name: "g",
      state,
      reducers: { count: one, trail: two },
      nodes: { one: visit },
      edges: [start("one"), edge("one", end)],
    });
  const latest = (_: unknown, update: JsonValue): JsonValue => update;
  const least = (): JsonValue => 0;
  expect(() => make(add, reducer("append", latest))).toThrow(
    /Its reducer "append" has the name that a built-in reducer has/,
  );
  expect(() => make(reducer("x", latest), reducer("x", least))).toThrow(/that another reducer of it has/);
  const mine = reducer("mine", latest);
  expect(graphToJson(make(mine, mine)).reducers).toEqual({ count: "mine", trail: "mine" });
});

test("a neighbour of a node that failed asks for nothing more", async () => {
  const done: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  const made = graph({
    name: "neighbours",
    state,
    nodes: {
      fails: () => {
        throw new Error("no");
      },
      goesOn: async (_, context) => {
        await gate.promise;
        const refused = await context
          .step("pay", () => void done.push("paid"))
          .catch((error: unknown) => String(error));
        done.push(String(refused));
      },
    },
    edges: [start("fails"), start("goesOn"), edge("fails", end), edge("goesOn", end)],
  });
  await expect(run(made)).rejects.toThrow("no");
  gate.resolve(undefined);
  await expect.poll(() => done).toEqual(["AtlasError: no"]);
});

test("an edge that is none cannot be added", async () => {
  const refused: string[] = [];
  const hostile: readonly unknown[] = [
    null,
    { kind: "when", from: "one", choose: () => end },
    { kind: "edge" },
    { kind: "edge", from: "one", to: end, if: { path: 5 } },
    { kind: "weighted", from: "one", to: { end: -1 }, by: "chance" },
  ];
  const made = graph({
    name: "adds",
    state,
    nodes: {
      one: (_, context) => {
        for (const each of hostile) {
          try {
            context.addEdge(each as ReturnType<typeof edge>);
          } catch (error) {
            refused.push(String(error));
          }
        }
      },
    },
    edges: [start("one"), edge("one", end)],
  });
  await run(made);
  expect(refused).toHaveLength(hostile.length);
  for (const each of refused) expect(each).toMatch(/An edge cannot be added to the graph adds/);
});

const two = graph({
  name: "two",
  state,
  nodes: { one: visit, two: visit },
  edges: [start("one"), when("one", { path: "count", lt: 3 }, ["two", end]), oneOf("two", { one: 1, end: 2 })],
});
const deep = (levels: number): JsonValue => (levels === 0 ? { path: "count", is: 1 } : { all: [deep(levels - 1)] });
const asking = (choose: JsonValue): JsonValue => ({ kind: "when", from: "one", choose, to: ["two", end] });
const written = (more: Readonly<Record<string, JsonValue>>): JsonValue =>
  JSON.parse(JSON.stringify({ ...graphToJson(two), ...more })) as JsonValue;
const withSecond = (second: JsonValue): JsonValue => {
  const [first = null, , third = null] = graphToJson(two).edges as readonly object[] as readonly JsonValue[];
  return written({ edges: [first, second, third] });
};
const withNode = (node: JsonValue): JsonValue => written({ nodes: { one: node, two: { kind: "function" } } });

test.each<[string, JsonValue, RegExp]>([
  ["a condition of nothing", withSecond(asking({})), /edge 2 has a condition without a path/],
  ["a path that is no text", withSecond(asking({ path: 5 })), /edge 2 has a condition without a path/],
  ["a list of conditions that is none", withSecond(asking({ all: 5 })), /edge 2 has a condition whose all is no list/],
  ["null among conditions", withSecond(asking({ any: [null] })), /edge 2 has a condition that is neither/],
  ["a test that is none", withSecond(asking({ path: "count", equals: 1 })), /"equals", which is no test/],
  ["no test", withSecond(asking({ path: "count" })), /tests nothing of count; say what, such as is: true/],
  ["a test of the wrong kind", withSecond(asking({ path: "count", in: 5 })), /whose in is of the wrong kind/],
  ["conditions beyond measure", withSecond(asking(deep(1000))), /more than 50 levels/],
  [
    "a condition that is a number",
    withSecond({ kind: "edge", from: "one", to: "two", if: 5 }),
    /edge 2 has a condition/,
  ],
  ["params that are none", withSecond({ kind: "edge", from: "one", to: "two", params: 5 }), /edge 2 has params/],
  ["names that are none", withSecond({ kind: "when", from: "one", choose: "x", to: [5] }), /edge 2 does not list/],
  ["an edge of no kind", withSecond({ kind: "jump", from: "one", to: "two" }), /edge 2 is of no kind/],
  ["an input that is no path", withNode({ kind: "function", input: 5 }), /nodes must be/],
  ["a join of no kind", withNode({ kind: "function", join: "most" }), /nodes must be/],
  ["a reducer that is no name", written({ reducers: { count: 5 } }), /reducers must be names/],
  ["a limit that is a list", written({ limits: { maxSteps: [3] } }), /limits.maxSteps must be a whole number/],
  ["half a place", written({ limits: { maxParallel: 0.5 } }), /limits.maxParallel must be a whole number/],
  ["a limit of no name", written({ limits: { maxStep: 3 } }), /limits.maxStep is no limit/],
])("JSON with %s is refused", (_, json, words) => {
  const read = (): unknown => graphFromJson(json, { state, nodes: { one: visit, two: visit } });
  expect(read).toThrow(words);
});

test("a state that poses as a graph's own input is refused", async () => {
  await expect(run(two, { "#graph": 5, state: {} })).rejects.toMatchObject({ code: "invalid_input" });
});

test("a graph of thousands of edges is made in a moment", () => {
  const names = Array.from({ length: 1500 }, (_, index) => `n${index}`);
  const edges = names.flatMap((from, index): Edge<string, unknown>[] =>
    [1, 7].map((step) => edge(from, names[index + step] ?? end, { if: { path: "count", lt: step } })),
  );
  const begun = performance.now();
  graph({
    name: "large",
    state,
    nodes: Object.fromEntries(names.map((name) => [name, visit])),
    edges: [start("n0"), ...edges],
  });
  expect(performance.now() - begun).toBeLessThan(2000);
});
