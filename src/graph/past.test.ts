import { expect, test } from "vitest";
import { z } from "zod";
import { events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import type { JsonObject } from "../base/index.ts";
import { baseErrors } from "../base/index.ts";
import type { Resolve } from "../runs/index.ts";
import { workflow } from "../runs/index.ts";
import { manualClock } from "../testing/index.ts";
import { append, edge, end, forkGraph, graph, graphErrors, graphHistory, graphWorkflow, start, when } from "./index.ts";

useEngine();

const resolve: Resolve = (runnable) => {
  throw new Error(`nothing resolves ${runnable.name}`);
};
const state = z.object({
  draft: z.string().default(""),
  score: z.number().default(0),
  notes: z.array(z.string()).default([]),
});
let written = 0;
const review = graph({
  name: "review",
  state,
  reducers: { notes: append },
  nodes: {
    write: (now) => {
      written++;
      return { draft: `${now.draft}a` };
    },
    judge: (now) => ({ score: now.draft.length, notes: [now.draft] }),
  },
  edges: [start("write"), edge("write", "judge"), when("judge", { path: "score", lt: 3 }, ["write", end])],
});
const flow = graphWorkflow(review, resolve);

test("the history of a run gives its states with their entries, and a fork goes on from any of them", async () => {
  const run = await runs.start(flow, {});
  await run.result();
  const history = await graphHistory(run, review);
  expect(history.map(({ step, nodes, next, state: { draft } }) => [step, nodes, next, draft])).toEqual([
    [0, [], ["write"], ""],
    [1, ["write"], ["judge"], "a"],
    [2, ["judge"], ["write"], "a"],
    [3, ["write"], ["judge"], "aa"],
    [4, ["judge"], ["write"], "aa"],
    [5, ["write"], ["judge"], "aaa"],
    [6, ["judge"], [], "aaa"],
  ]);
  const at = history[3]?.seq ?? 0;
  written = 0;
  const same = await run.fork({ at });
  expect(await same.result()).toEqual(await run.result());
  expect(written).toBe(1);
  const other = await forkGraph(await runs.open(run.id), review, { at, state: { draft: "bbb" } });
  expect(await other.result()).toEqual({ draft: "bbb", score: 3, notes: ["a", "bbb"] });
  expect((await other.record()).originId).toBe(run.id);
  expect((await graphHistory(other, review)).map(({ step }) => step)).toEqual([3, 4]);
  await expect(forkGraph(run, review, { at, state: { draught: "" } as never })).rejects.toSatisfy((error) =>
    graphErrors.is(error, "graph_state_invalid"),
  );
  await expect(forkGraph(run, review, { at, state: { draft: 7 as never } })).rejects.toSatisfy((error) =>
    baseErrors.is(error, "invalid_input"),
  );
});

test("the history of another run is refused", async () => {
  const other = workflow({ name: "other", run: async () => 1 });
  const run = await runs.start(other, null);
  await expect(graphHistory(run, review)).rejects.toThrow(/The run is of other, not of the graph review/);
});

const asking = graph({
  name: "asking",
  state: z.object({ topic: z.string(), approved: z.boolean().default(false), asked: z.number().default(0) }),
  nodes: {
    ask: async (now, context) => {
      const noted = await context.step("note", () => now.asked + 1);
      const approved = await context.interrupt(`Is ${now.topic} good?`, { schema: z.boolean() });
      return { approved, asked: noted };
    },
  },
  edges: [start("ask"), when("ask", { path: "approved", is: true }, [end, "ask"])],
});

test("a node asks a person and waits, also over a restart; an answer that does not fit is refused", async () => {
  const asked = graphWorkflow(asking, resolve);
  const run = await runs.start(asked, { topic: "bread" });
  const question = await until(run, "question.asked");
  expect(question.data).toEqual({ node: "ask", visit: 1, question: "Is bread good?", signal: "ask" });
  await until(run, "signal.awaited");
  await restart({ worker: false });
  runs.register(asked);
  const again = await runs.resume(run.id);
  await again.signal("ask", "perhaps");
  await until(again, "signal.refused");
  await again.signal("ask", false);
  for await (const { type, data } of again.events())
    if (type === "signal.awaited" && (data as JsonObject)["name"] === "ask/2") break;
  await again.signal("ask/2", true);
  expect(await again.result()).toEqual({ topic: "bread", approved: true, asked: 2 });
  const steps = (await events(again)).filter(({ type, key }) => type === "step.completed" && key?.startsWith("note"));
  expect(steps).toHaveLength(2);
});

test("a long run keeps checkpoints at doubling distances, and is taken up from the last", async () => {
  const count = graph({
    name: "count",
    state: z.object({ count: z.number().default(0) }),
    nodes: {
      one: async (now, context) => {
        if (now.count === 299) await context.waitFor("go");
        return { count: now.count + 1 };
      },
    },
    edges: [start("one"), when("one", { path: "count", lt: 300 }, ["one", end])],
    limits: { maxSteps: 1_000 },
  });
  const counted = graphWorkflow(count, resolve);
  const run = await runs.start(counted, {});
  await until(run, "signal.awaited");
  const kept = (await Array.fromAsync(run.events({ live: false }))).filter(({ type }) => type === "run.checkpointed");
  expect(kept.map(({ data }) => ((data as JsonObject)["state"] as JsonObject)["done"])).toEqual([128, 256]);
  await restart({ worker: false });
  runs.register(counted);
  const again = await runs.resume(run.id);
  await again.signal("go");
  expect(await again.result()).toEqual({ count: 300 });
  expect((await graphHistory(again, count)).at(-1)?.step).toBe(300);
});

test("a run goes on with the graph that it began with, though the program has a newer one", async () => {
  const nodes = {
    first: async (_: unknown, context: { waitFor(name: string): Promise<unknown> }) => {
      await context.waitFor("go");
      return { draft: "first" };
    },
    last: () => ({ notes: ["last"] }),
  };
  const older = graph({ name: "moved", state, nodes, edges: { start: "first", first: "last", last: end } });
  const newer = graph({ name: "moved", state, nodes, edges: { start: "last", last: "first", first: end } });
  const lost = graph({ name: "moved", state, nodes: { first: nodes.first }, edges: { start: "first", first: end } });
  const begun = [await runs.start(graphWorkflow(older, resolve), {})];
  for (const made of [newer, lost]) {
    await until(begun.at(-1) as (typeof begun)[0], "signal.awaited");
    await restart({ worker: false });
    runs.register(graphWorkflow(made, resolve));
    if (made === lost) {
      await expect((await runs.resume(begun[0]?.id ?? "")).result()).rejects.toThrow(
        /was written down with what this program does not have: the node last/,
      );
      continue;
    }
    const [run] = begun;
    const again = await runs.resume(run?.id ?? "");
    const fork = await again.fork({ at: 2 });
    begun[0] = fork as (typeof begun)[0];
    await again.signal("go");
    expect(await again.result()).toEqual({ draft: "first", score: 0, notes: ["last"] });
    expect((await graphHistory(again, newer)).map(({ nodes: done }) => done)).toEqual([[], ["first"], ["last"]]);
  }
});

test("a graph and a node end when their time is over", async () => {
  const clock = manualClock();
  await restart({ clock, worker: false });
  const slow = (name: string, limits: { timeoutMs?: number }, node: { timeoutMs?: number }) =>
    graph({
      name,
      state,
      nodes: {
        wait: {
          run: async (_: unknown, { signal }) => await clock.sleep(60_000, { signal }).then(() => undefined),
          ...node,
        },
      },
      edges: { start: "wait", wait: end },
      limits,
    });
  for (const [made, words] of [
    [slow("slow-graph", { timeoutMs: 1_000 }, {}), "The graph slow-graph took longer than 1000 ms"],
    [slow("slow-node", {}, { timeoutMs: 1_000 }), "The node wait took longer than 1000 ms"],
  ] as const) {
    const run = await runs.start(graphWorkflow(made, resolve), {});
    const failed = run.result().then(
      () => "completed",
      (error: unknown) => String(error),
    );
    const told = Promise.race([failed, advance(clock)]);
    expect(await told).toContain(words);
  }
});

async function advance(clock: ReturnType<typeof manualClock>): Promise<never> {
  for (;;) {
    await clock.advance(100);
    await new Promise((resolve_) => void setImmediate(resolve_));
  }
}
