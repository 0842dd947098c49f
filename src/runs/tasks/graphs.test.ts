import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { baseErrors } from "../../base/index.ts";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import type { Database } from "../../storage/index.ts";
import type { Runs } from "../index.ts";
import { createRuns, workflow } from "../index.ts";

/** Is one run of a random graph. */
interface Node {
  readonly fails: boolean;
  readonly tries: number;
  readonly policy: "fail" | "skip" | "wait";
  readonly needs: readonly number[];
}

const sometimes = workflow({
  name: "sometimes",
  retry: { attempts: 2, minDelayMs: 0 },
  run: async (context, node: Node) => {
    await context.step("one", () => 1);
    await context.step("two", () => {
      if (node.fails) throw baseErrors.create("timed_out", "No.", { retry: "never" });
      if (context.attempt < node.tries) throw new Error("Not yet.");
    });
    return "done";
  },
});

const graphs = fc
  .array(
    fc.record({
      fails: fc.boolean(),
      tries: fc.integer({ min: 1, max: 2 }),
      policy: fc.constantFrom("fail" as const, "skip" as const, "wait" as const),
      picks: fc.array(fc.nat(99), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((nodes) =>
    nodes.map(({ picks, ...node }, place): Node => {
      const needs = place === 0 ? [] : [...new Set(picks.map((pick) => pick % place))];
      return { ...node, fails: node.fails && place % 3 === 0, needs };
    }),
  );

/** Says how each run of a graph must end, by the policies alone. */
function model(graph: readonly Node[]): readonly string[] {
  const ends: string[] = [];
  for (const { fails, policy, needs } of graph) {
    const bad = needs.some((need) => ends[need] === "failed" || ends[need] === "skipped");
    const open = needs.some((need) => ends[need] === "blocked");
    if (bad && policy !== "wait") ends.push(policy === "skip" ? "skipped" : "failed");
    else if (bad || open) ends.push("blocked");
    else ends.push(fails ? "failed" : "completed");
  }
  return ends;
}

let folder: string;
let database: Database;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-graphs-"));
  database = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function open(): Promise<Runs> {
  const runs = await createRuns({ database });
  runs.register(sometimes);
  return runs;
}

/** Waits until the runs are as they must be, or until nothing more can happen. */
async function settled(runs: Runs, ids: readonly string[], expected: readonly string[]): Promise<readonly string[]> {
  for (let look = 0; ; look++) {
    const records = await Promise.all(ids.map(async (id) => await (await runs.open(id)).record()));
    const found = records.map(({ status }) => status);
    if (found.join() === expected.join() || look === 2_000) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it("runs of any graph end as their policies say, whichever of two engines does it, and wherever one stops and is opened again", async () => {
  await fc.assert(
    fc.asyncProperty(graphs, fc.array(fc.nat(12), { maxLength: 3 }), async (graph, stops) => {
      let runs = await open();
      const other = await open();
      const planned = graph.map((node, place) => ({
        ref: String(place),
        workflow: sometimes,
        input: node,
        needs: node.needs.map(String),
        options: { queue: "graph", after: { runs: [], onFailure: node.policy } },
      }));
      const ids = (await runs.startMany(planned)).map(({ id }) => id);
      for (const wait of stops) {
        for (let turn = 0; turn < wait; turn++) await database.read({ sql: "SELECT 1" });
        await runs[Symbol.asyncDispose]();
        runs = await open();
      }
      const expected = model(graph);
      expect(await settled(runs, ids, expected)).toEqual(expected);
      const records = await runs.list({ limit: ids.length });
      for (const run of records) expect(run.dead).toBe(run.status === "failed");
      await runs[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await database.write(["run", "run_event", "run_dependency"].map((table) => ({ sql: `DELETE FROM ${table}` })));
    }),
    { numRuns: 30 },
  );
}, 120_000);
