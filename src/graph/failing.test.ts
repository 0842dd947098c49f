import { expect, test } from "vitest";
import { z } from "zod";
import { useAtlas } from "../../test/lib/atlas.ts";
import { workflow } from "../runs/index.ts";
import { tool } from "../tools/index.ts";
import { edge, end, graph, node, start, when } from "./index.ts";
import type { AnyGraph, Graph } from "./index.ts";

const atlas = useAtlas();
const state = z.object({
  draft: z.string().default(""),
  score: z.number().default(0),
  words: z.array(z.string()).default([]),
});
const sleeps = workflow({ name: "sleeps", run: async (context) => await context.waitFor("never") });

/** Makes a graph of one node that leads to the end. */
const alone = (one: unknown): AnyGraph =>
  graph({ name: "alone", state, nodes: { one: one as () => undefined }, edges: { start: "one", one: end } });
const fails = async (made: AnyGraph): Promise<unknown> => {
  const run = await atlas().start(made as Graph, {});
  return await run.result().then(
    (result) => result,
    (error: unknown) => error,
  );
};

test.each<[string, AnyGraph, string, RegExp]>([
  [
    "gives a text",
    alone(() => "draft"),
    "graph_state_invalid",
    /The node one gave a string, not an object whose keys are of the state; say which key it is/,
  ],
  ["gives a list", alone(() => ["draft"]), "graph_state_invalid", /The node one gave a list/],
  [
    "gives an unknown key",
    alone(() => ({ grade: 1 })),
    "graph_state_invalid",
    /The node one gave grade, which the state does not have \(it has: draft, score, words\)/,
  ],
  [
    "is a workflow that gives another type",
    alone(workflow({ name: "w", run: async () => ({ score: "high" }) })),
    "graph_state_invalid",
    /The node one gave something that does not fit the state: score: /,
  ],
  [
    "is a tool that gives another type",
    alone(node(tool({ name: "t", input: z.object({ draft: z.string() }), run: () => 7 }), { output: "draft" })),
    "graph_state_invalid",
    /does not fit the state: draft: /,
  ],
  [
    "changes the state in place",
    alone((now: { words: string[] }) => void now.words.push("x")),
    "graph_state_invalid",
    /The node one changed data in place that is frozen, as the state is .*not extensible.*give what is to change/,
  ],
])("a node that %s fails its run", async (...[, made, code, words]) => {
  const error = await fails(made);
  expect(error).toMatchObject({ code });
  expect(String(error)).toMatch(words);
});

test.each<[string, AnyGraph, string, RegExp]>([
  [
    "a choice that names no node",
    graph({
      name: "g",
      state,
      nodes: { one: () => undefined },
      edges: [start("one"), when("one", () => "two" as "one")],
    }),
    "graph_route_unknown",
    /In the graph g an edge of one led to "two"; it may lead to: one, end/,
  ],
  [
    "a choice beyond what it lists",
    graph({
      name: "g",
      state,
      nodes: { one: () => undefined, two: () => undefined },
      edges: [
        start("one"),
        when("one", () => "two" as "one", ["one", end]),
        edge("two", end),
        start("two", { if: { path: "score", gt: 1 } }),
      ],
    }),
    "graph_route_unknown",
    /led to "two"; it may lead to: one, end/,
  ],
  [
    "conditions of which none holds",
    graph({
      name: "g",
      state,
      nodes: { one: () => undefined },
      edges: [start("one"), edge("one", end, { if: { path: "score", gt: 3 } })],
    }),
    "graph_route_unknown",
    /none of the 1 edges of one holds \(score > 3\); add one without a condition, such as edge\("one", end\)/,
  ],
  [
    "a list that is none",
    graph({
      name: "g",
      state,
      nodes: { one: () => undefined, two: () => undefined },
      edges: [start("one"), { kind: "each", from: "one", to: "two", items: { path: "score" } }, edge("two", end)],
    }),
    "graph_route_unknown",
    /The edge from one to each two found a number, not a list/,
  ],
  [
    "a cycle that does not end",
    graph({
      name: "g",
      state,
      nodes: { one: () => ({ score: 1 }) },
      edges: [start("one"), when("one", { path: "score", gt: 5 }, [end, "one"])],
      limits: { maxSteps: 7 },
    }),
    "graph_steps_exceeded",
    /The graph g has made 7 steps and would go on with one/,
  ],
  [
    "an update that its reducer cannot merge",
    graph({
      name: "g",
      state,
      reducers: {
        score: {
          name: "own",
          apply: () => {
            throw new TypeError("no");
          },
        },
      },
      nodes: { one: () => ({ score: 1 }) },
      edges: { start: "one", one: end },
    }),
    "graph_state_invalid",
    /The node one gave something for score that its reducer own cannot merge: no/,
  ],
])("%s is told when the graph comes to it", async (...[, made, code, words]) => {
  const error = await fails(made);
  expect(error).toMatchObject({ code });
  expect(String(error)).toMatch(words);
});

test("a state that does not fit is refused before the run", async () => {
  await expect(atlas().start(alone(() => undefined) as Graph, { score: "high" })).rejects.toMatchObject({
    code: "invalid_input",
  });
});

test("a cancel and a pause reach the children of nodes; a node is tried again as its policy says", async () => {
  const made = graph({
    name: "holds",
    state,
    nodes: { wait: node(sleeps, { output: () => ({}) }) },
    edges: { start: "wait", wait: end },
  });
  const run = await atlas().start(made, {});
  for await (const { type } of run.events()) if (type === "call.started") break;
  const children = async () => await atlas().runs.list({ parentId: run.id });
  await run.pause();
  expect((await children()).map(({ paused }) => paused)).toEqual([true]);
  await run.resume();
  expect((await run.cancel("enough")).status).toBe("cancelled");
  expect((await children()).map(({ status }) => status)).toEqual(["cancelled"]);
  let tries = 0;
  const flaky = graph({
    name: "flaky",
    state,
    nodes: {
      one: {
        run: () => {
          if (++tries < 3) throw new Error("not yet");
          return { score: tries };
        },
        retry: { attempts: 3, minDelayMs: 0, maxDelayMs: 1 },
      },
    },
    edges: { start: "one", one: end },
  });
  expect((await (await atlas().start(flaky, {})).result()).score).toBe(3);
});

test("a node takes what was sent to the run while it works", async () => {
  const made = graph({
    name: "steered",
    state,
    nodes: {
      one: async (_, context) => {
        await context.waitFor("go");
        return { words: (await context.steered()).map((each) => JSON.stringify(each)) };
      },
    },
    edges: { start: "one", one: end },
  });
  const run = await atlas().start(made, {});
  for await (const { type } of run.events()) if (type === "signal.awaited") break;
  await run.steer("shorter");
  await run.signal("go");
  expect((await run.result()).words).toEqual(['"shorter"']);
});
