import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { events, runs, useEngine } from "../../test/lib/engine.ts";
import type { JsonObject, JsonValue } from "../base/index.ts";
import type { Resolve } from "../runs/index.ts";
import {
  append,
  edge,
  end,
  graph,
  graphFromJson,
  graphToJson,
  graphWorkflow,
  oneOf,
  reducer,
  start,
  when,
} from "./index.ts";
import type { AnyGraph, Edge, NodeFunction } from "./index.ts";
import { machineOf } from "./machine.ts";

useEngine();

const resolve: Resolve = (runnable) => {
  throw new Error(`nothing resolves ${runnable.name}`);
};
const state = z.object({ count: z.number().default(0), trail: z.array(z.string()).default([]) });
type State = z.infer<typeof state>;
const sum = reducer("sum", (value, update) => Number(value) + Number(update));
const names = ["a", "b", "c", "d", "e"];

/** Makes an edge out of a node, of any kind, from numbers that fast-check draws. */
const edgeOf = (from: string, draw: readonly [number, number, number]): Edge<string, State> => {
  const [kind, one, two] = draw;
  const [to, other] = [names[one % names.length] ?? "a", names[two % names.length] ?? "b"];
  if (kind === 0) return edge(from, to);
  if (kind === 1) return when(from, { path: "count", lt: 3 + one }, [to, end]);
  if (kind === 2) return oneOf(from, { [to]: 1 + one, [other]: 2, end: 1 });
  if (kind === 3) return when(from, (now: State) => (now.count % 2 === 0 ? to : [to, other]), [to, other, end]);
  return edge(from, to, { if: "few", params: { two }, priority: two });
};
const nodeOf =
  (name: string): NodeFunction<State> =>
  async (now, { visit, params, random }) => {
    // Branches end in another order than they began.
    for (let turn = 0; turn < (now.count * 7 + name.charCodeAt(0)) % 5; turn++) await Promise.resolve();
    return { count: 1, trail: [`${name}${visit}/${now.count}${JSON.stringify(params)}${random.next().toFixed(3)}`] };
  };
const nodes = Object.fromEntries(names.map((name) => [name, { run: nodeOf(name) }]));
const conditions = { few: (now: State) => now.count < 9 };

const drawn = fc.record({
  edges: fc.array(fc.tuple(fc.nat(4), fc.tuple(fc.nat(4), fc.nat(9), fc.nat(9))), { minLength: 3, maxLength: 14 }),
  joins: fc.array(fc.constantFrom("all" as const, "any" as const), {
    minLength: names.length,
    maxLength: names.length,
  }),
});

/** Makes a graph of what was drawn; undefined for one that is refused. */
const made = (
  name: string,
  { edges, joins }: typeof drawn extends fc.Arbitrary<infer T> ? T : never,
): AnyGraph | undefined => {
  try {
    return graph({
      name,
      state,
      reducers: { count: sum, trail: append },
      nodes: Object.fromEntries(names.map((each, index) => [each, { run: nodeOf(each), join: joins[index] ?? "all" }])),
      conditions,
      edges: [
        ...names.map((each) => start(each, { if: { path: "count", lt: names.indexOf(each) + 1 } })),
        ...names.map((each) => edge(each, end)),
        ...edges.map(([from, draw]) => edgeOf(names[from] ?? "a", draw)),
      ],
      limits: { maxSteps: 12 },
    });
  } catch {
    return undefined;
  }
};

const trace = async (each: AnyGraph, from: JsonObject): Promise<JsonValue> => {
  const run = await runs.start(graphWorkflow(each, resolve), from);
  const ended = await run.result().catch((error: Error) => error.message.replaceAll(each.name, "it"));
  const log = await events(run);
  return [
    ended,
    log
      .filter(({ type }) => type === "step.completed")
      .map(({ key = "" }) => key)
      .toSorted(),
  ] as JsonValue;
};

test("a graph works the same after a round trip through JSON, and each time", { timeout: 60_000 }, async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(drawn, async (draw) => {
      const name = `g${++count}`;
      const one = made(name, draw);
      fc.pre(one !== undefined);
      const text = JSON.stringify(graphToJson(one));
      const functions = Object.fromEntries(one.compiled.parts.functions);
      const two = graphFromJson(JSON.parse(text) as JsonValue, {
        state,
        nodes,
        conditions: functions,
        reducers: [sum],
      });
      expect(JSON.stringify(graphToJson(two))).toBe(text);
      // The seed is a run's own: the machine is asked with one seed for both.
      const walk = (each: AnyGraph): JsonValue => {
        const machine = machineOf(each.compiled);
        let at = machine.begin({ count: 0, trail: [] }, 7);
        const trail: JsonValue[] = [];
        for (let step = 0; step < 12 && at.pending.length > 0; step++) {
          const due = machine.due(at);
          trail.push({ ...due });
          at = machine.advance(
            at,
            due,
            due.ready.map(({ node }) => ({ update: { count: 1, trail: [node] } })),
          );
        }
        return [trail, at];
      };
      expect(walk(two)).toEqual(walk(one));
    }),
    { numRuns: 100 },
  );
});

test("random graphs give in a fork from any entry what they gave at first", { timeout: 60_000 }, async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(drawn, fc.nat(), async (draw, place) => {
      const one = made(`f${++count}`, draw);
      fc.pre(one !== undefined);
      const run = await runs.start(graphWorkflow(one, resolve), { count: 0 });
      const first = await run.result().catch(String);
      const last = (await events(run)).at(-1)?.seq ?? 1;
      const fork = await run.fork({ at: 1 + (place % last) });
      expect(await fork.result().catch(String)).toEqual(first);
    }),
    { numRuns: 25 },
  );
});

test("what a written graph names and the program does not have is told", async () => {
  const one = made("written", { edges: [[0, [4, 1, 1]]], joins: [] });
  const json = graphToJson(one as AnyGraph);
  expect(() => graphFromJson(json, { state, nodes: { a: nodeOf("a") } })).toThrow(
    /does not have: the node b, the node c, the node d, the node e, the condition few, the reducer sum/,
  );
  const error = { code: "graph_part_missing" };
  expect(() => graphFromJson(json, { state, nodes: {} })).toThrow(expect.objectContaining(error) as Error);
  const refused: readonly [JsonValue, RegExp][] = [
    [7, /it is no object/],
    [{ name: "x", nodes: { a: 1 }, edges: [] }, /nodes must be an object of \{ kind, /],
    [{ name: "x", nodes: {}, edges: {} }, /edges must be a list/],
    [{ name: "x", nodes: {}, edges: [{ kind: "edge", from: "a" }] }, /edge 1 does not say where it leads/],
    [{ nodes: {}, edges: [] }, /its name and version must be texts/],
  ];
  for (const [each, words] of refused) expect(() => graphFromJson(each, { state, nodes: {} })).toThrow(words);
  expect(await trace(one as AnyGraph, {})).toBeDefined();
});
