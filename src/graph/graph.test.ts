import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { runs, useEngine } from "../../test/lib/engine.ts";
import type { Resolve } from "../runs/index.ts";
import { append, edge, end, graph, graphWorkflow, node, start, when } from "./index.ts";

useEngine();
const resolve: Resolve = () => {
  throw new Error("nothing to resolve");
};

test("ten lines make a graph that loops until it is good", async () => {
  const review = graph({
    name: "review",
    state: z.object({
      draft: z.string().default(""),
      score: z.number().default(0),
      notes: z.array(z.string()).default([]),
    }),
    reducers: { notes: append },
    nodes: {
      write: (state) => ({ draft: `${state.draft}a`, notes: ["written"] }),
      judge: (state, { visit }) => ({ score: state.draft.length * 3, notes: [`judged ${visit}`] }),
    },
    edges: [start("write"), edge("write", "judge"), when("judge", { path: "score", lt: 8 }, ["write", end])],
  });
  const run = await runs.start(graphWorkflow(review, resolve), { draft: "" });
  expect(await run.result()).toEqual({
    draft: "aaa",
    score: 9,
    notes: ["written", "judged 1", "written", "judged 2", "written", "judged 3"],
  });
  const log = await Array.fromAsync(run.events());
  expect(log.map(({ type, key }) => key ?? type)).toEqual([
    "run.started",
    "graph.started",
    "write",
    "judge",
    "write#2",
    "judge#2",
    "write#3",
    "judge#3",
    "run.completed",
  ]);
});

test("edges as an object know the state and the names", () => {
  const made = graph({
    name: "typed",
    state: z.object({ score: z.number() }),
    nodes: { judge: (state) => ({ score: state.score + 1 }) },
    edges: { start: "judge", judge: (state) => (state.score < 8 ? "judge" : end) },
  });
  expectTypeOf(made.begins).parameter(0).toEqualTypeOf<{ score: number }>();
  void node;
});
