import { join } from "node:path";
import { z } from "zod";
import { add, each, edge, end, graph, graphWorkflow, start } from "../../src/graph/index.ts";
import { createRuns } from "../../src/runs/index.ts";
import type { Resolve } from "../../src/runs/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import { fanOutNodes, linearNodes } from "./subjects.ts";
import type { OpenOptions, Subject } from "./subjects.ts";

const state = z.object({ sum: z.number().default(0) });
const one = () => ({ sum: 1 });
const names = Array.from({ length: linearNodes }, (_, index) => `n${index}`);
const linear = graph({
  name: "linear",
  state,
  reducers: { sum: add },
  nodes: Object.fromEntries(names.map((name) => [name, one])),
  edges: [start("n0"), ...names.map((name, index) => edge(name, names[index + 1] ?? end))],
});
const fanOut = graph({
  name: "fan-out",
  state,
  reducers: { sum: add },
  nodes: { split: () => undefined, work: one, meet: () => undefined },
  edges: [
    start("split"),
    each("split", "work", () => Array.from({ length: fanOutNodes }, (_, index) => index)),
    edge("work", "meet"),
    edge("meet", end),
  ],
  limits: { maxParallel: fanOutNodes },
});
const resolve: Resolve = () => {
  throw new Error("These graphs have functions only.");
};

/** Opens Atlas: each node's outcome is durable before the next node begins. */
export async function open({ folder, synchronous }: OpenOptions): Promise<Subject> {
  const database = await sqlite({ path: join(folder, "atlas.db"), synchronous });
  const runs = await createRuns({ database });
  const workflows = { linear: graphWorkflow(linear, resolve), fan_out: graphWorkflow(fanOut, resolve) };
  return {
    async run(shape) {
      const run = await runs.start(workflows[shape], {});
      return Number((await run.result())["sum"]);
    },
    async [Symbol.asyncDispose]() {
      await runs[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
