import { describe, expect, it } from "vitest";
import { z } from "zod";
import { events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import type { JsonObject } from "../base/index.ts";
import type { Resolve, RunHandle } from "../runs/index.ts";
import { add, append, each, edge, end, graph, graphWorkflow, max, merge, oneOf, start, when } from "./index.ts";
import type { AnyGraph } from "./index.ts";

useEngine();

const resolve: Resolve = (runnable) => {
  throw new Error(`nothing resolves ${runnable.name}`);
};
// One workflow of each graph, as an app has it.
const known_ = new WeakMap<AnyGraph, ReturnType<typeof graphWorkflow>>();
const workflowOf = (made: AnyGraph): ReturnType<typeof graphWorkflow> => {
  const known = known_.get(made) ?? graphWorkflow(made, resolve);
  known_.set(made, known);
  return known;
};
const begin = async (made: AnyGraph, state: JsonObject = {}): Promise<RunHandle<JsonObject>> =>
  await runs.start(workflowOf(made), state);
const result = async (made: AnyGraph, state: JsonObject = {}): Promise<JsonObject> =>
  await (await begin(made, state)).result();
const keys = async (run: RunHandle<unknown>): Promise<(string | undefined)[]> =>
  (await events(run)).filter(({ type }) => type === "step.completed").map(({ key }) => key);

const trail = z.object({ trail: z.array(z.string()).default([]) });
const mark = (name: string) => () => ({ trail: [name] });

describe("branches", () => {
  it("run at once, and their updates are merged in the order of the edges, whichever ends first", async () => {
    const slow = Promise.withResolvers<void>();
    const made = graph({
      name: "order",
      state: trail,
      reducers: { trail: append },
      nodes: {
        split: mark("split"),
        slow: async () => {
          await slow.promise;
          return { trail: ["slow"] };
        },
        fast: () => {
          slow.resolve();
          return { trail: ["fast"] };
        },
        meet: mark("meet"),
      },
      edges: { start: "split", split: ["slow", "fast"], slow: "meet", fast: "meet", meet: end },
    });
    expect(await result(made)).toEqual({ trail: ["split", "slow", "fast", "meet"] });
  });

  it("meet once, also when one of them is longer, unless a node joins any of them", async () => {
    const with_ = (join: "all" | "any"): AnyGraph =>
      graph({
        name: `join-${join}`,
        state: trail,
        reducers: { trail: append },
        nodes: { a: mark("a"), b: mark("b"), c: mark("c"), meet: { run: mark("meet"), join } },
        edges: [start("a"), start("b"), edge("b", "c"), edge("c", "meet"), edge("a", "meet"), edge("meet", end)],
      });
    expect((await result(with_("all")))["trail"]).toEqual(["a", "b", "c", "meet"]);
    expect((await result(with_("any")))["trail"]).toEqual(["a", "b", "meet", "c", "meet"]);
  });

  it("run no more at once than the graph allows", async () => {
    let now = 0;
    let most = 0;
    const made = graph({
      name: "bounded",
      state: z.object({ count: z.number().default(0) }),
      reducers: { count: add },
      nodes: {
        split: () => undefined,
        work: async () => {
          most = Math.max(most, ++now);
          await new Promise((resolve_) => void setImmediate(resolve_));
          now--;
          return { count: 1 };
        },
      },
      edges: [
        start("split"),
        each("split", "work", () => Array.from({ length: 20 }, (_, index) => index)),
        edge("work", end),
      ],
      limits: { maxParallel: 3 },
    });
    expect(await result(made)).toEqual({ count: 20 });
    expect(most).toBe(3);
  });

  it("are stopped when one of them fails, and the run fails with its error", async () => {
    const stopped = Promise.withResolvers<unknown>();
    const made = graph({
      name: "failing",
      state: trail,
      nodes: {
        waits: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              stopped.resolve("stopped");
              reject(new Error("stopped"));
            });
          }),
        fails: () => Promise.reject(new Error("no flour")),
      },
      edges: [start("waits"), start("fails"), edge("waits", end), edge("fails", end)],
    });
    await expect(result(made)).rejects.toThrow("no flour");
    expect(await stopped.promise).toBe("stopped");
  });
});

describe("a list that leads to a node for each item", () => {
  it("gives each its item, merges in the order of the list, and goes on once", async () => {
    const made = graph({
      name: "each",
      state: z.object({
        words: z.array(z.string()),
        lengths: z.array(z.string()).default([]),
        sum: z.number().default(0),
      }),
      reducers: { lengths: append, sum: add },
      nodes: {
        split: () => undefined,
        measure: (_, { params: { item, index } }) => ({
          lengths: [`${JSON.stringify(index)}:${JSON.stringify(item)}`],
          sum: JSON.stringify(item).length - 2,
        }),
        meet: () => undefined,
      },
      edges: [start("split"), each("split", "measure", "words"), edge("measure", "meet"), edge("meet", end)],
    });
    const run = await begin(made, { words: ["one", "three"] });
    expect(await run.result()).toMatchObject({ lengths: ['0:"one"', '1:"three"'], sum: 8 });
    expect(await keys(run)).toEqual(["split", "measure", "measure#2", "meet"]);
    const empty = await begin(made, { words: [] });
    expect(await empty.result()).toMatchObject({ sum: 0 });
    expect(await keys(empty)).toEqual(["split", "meet"]);
  });

  it("may lie in another one", async () => {
    const made = graph({
      name: "nested",
      state: z.object({ rows: z.array(z.array(z.number())), sum: z.number().default(0) }),
      reducers: { sum: add },
      nodes: {
        rows: () => undefined,
        row: () => undefined,
        cell: (_, { params }) => ({ sum: Number(params["item"]) }),
      },
      edges: [
        start("rows"),
        each("rows", "row", "rows"),
        each("row", "cell", (_: unknown, params) => params["item"] as number[]),
        edge("cell", end),
      ],
    });
    expect((await result(made, { rows: [[1, 2], [], [3]] }))["sum"]).toBe(6);
  });
});

describe("edges", () => {
  it("carry params, and go by priority", async () => {
    const made = graph({
      name: "params",
      state: trail,
      reducers: { trail: append },
      nodes: {
        say: (_, { params }) => ({ trail: [`say ${JSON.stringify(params["tone"])}`] }),
        other: mark("other"),
      },
      edges: [
        start("say", { params: { tone: "kind" } }),
        start("other", { priority: 1 }),
        edge("say", end),
        edge("other", end),
      ],
    });
    expect(await result(made)).toEqual({ trail: ["other", 'say "kind"'] });
  });

  it("lead by chance to the same nodes in each execution of a run, in the proportion of their weights", async () => {
    const made = graph({
      name: "chance",
      state: z.object({ left: z.number().default(0), right: z.number().default(0), count: z.number().default(0) }),
      reducers: { left: add, right: add, count: add },
      nodes: { toss: () => ({ count: 1 }), left: () => ({ left: 1 }), right: () => ({ right: 1 }) },
      edges: [
        start("toss"),
        oneOf("toss", { left: 3, right: 1 }),
        when("left", { path: "count", lt: 200 }, ["toss", end]),
        when("right", { path: "count", lt: 200 }, ["toss", end]),
      ],
      limits: { maxSteps: 1_000 },
    });
    const run = await begin(made);
    const state = await run.result();
    expect(Number(state["left"]) + Number(state["right"])).toBe(200);
    expect(Number(state["left"])).toBeGreaterThan(120);
    expect(Number(state["left"])).toBeLessThan(180);
    const last = (await events(run)).at(-1)?.seq ?? 0;
    const fork = await run.fork({ at: last - 100 });
    expect(await fork.result()).toEqual(state);
  });

  it("lead to the weightiest whose condition holds", async () => {
    const made = graph({
      name: "priority",
      state: z.object({ budget: z.number(), trail: z.array(z.string()).default([]) }),
      reducers: { trail: append },
      nodes: { ask: () => undefined, careful: mark("careful"), fast: mark("fast") },
      edges: [
        start("ask"),
        oneOf("ask", { careful: 2, fast: 1 }, { by: "priority", if: { careful: { path: "budget", gte: 10 } } }),
        edge("careful", end),
        edge("fast", end),
      ],
    });
    expect((await result(made, { budget: 20 }))["trail"]).toEqual(["careful"]);
    expect((await result(made, { budget: 5 }))["trail"]).toEqual(["fast"]);
  });

  it("are added while the graph runs, and are there again after a restart", async () => {
    const made = graph({
      name: "added",
      state: trail,
      reducers: { trail: append },
      nodes: {
        plan: (_, context) => {
          context.addEdge(edge("plan", "extra", { params: { why: "asked" } }));
          expect(() => context.addEdge(edge("plan", "nowhere"))).toThrow(/leads to "nowhere", which is no node/);
          expect(() => context.addEdge(edge("plan", "extra"))).toThrow(/there twice/);
          expect(() => context.addEdge(edge("plan", "wait", { if: () => true }))).toThrow(/asks a function/);
          return { trail: ["plan"] };
        },
        extra: { run: (_, { params }) => ({ trail: [`extra ${JSON.stringify(params["why"])}`] }), onDemand: true },
        wait: async (_, context) => {
          await context.waitFor("go");
          return { trail: ["wait"] };
        },
      },
      edges: [start("plan"), edge("plan", "wait"), edge("wait", end), edge("extra", end)],
    });
    const run = await begin(made);
    await until(run, "signal.awaited");
    await restart({ worker: false });
    runs.register(workflowOf(made));
    const again = await runs.resume(run.id);
    await again.signal("go");
    expect(await again.result()).toEqual({ trail: ["plan", "wait", 'extra "asked"'] });
  });
});

describe("reducers", () => {
  it("merge what branches give for one key", async () => {
    const made = graph({
      name: "reducers",
      state: z.object({ best: z.number().default(0), facts: z.record(z.string(), z.number()).default({}) }),
      reducers: { best: max, facts: merge },
      nodes: { a: () => ({ best: 7, facts: { a: 1 } }), b: () => ({ best: 3, facts: { b: 2 } }) },
      edges: [start("a"), start("b"), edge("a", end), edge("b", end)],
    });
    expect(await result(made)).toEqual({ best: 7, facts: { a: 1, b: 2 } });
  });
});
