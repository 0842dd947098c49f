import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRuns, workflow } from "../src/runs/index.ts";
import type { RunContext, RunHandle, Runs } from "../src/runs/index.ts";
import { postgres } from "../src/storage/adapters/postgres.ts";
import type { Database } from "../src/storage/index.ts";
import { until } from "./lib/engine.ts";
import { startPostgres } from "./lib/postgres.ts";
import type { PostgresServer } from "./lib/postgres.ts";

let server: PostgresServer;
const databases: Database[] = [];
/** Two engines on two connections to one database, as on two machines. */
let here: Runs;
let there: Runs;

beforeAll(async () => {
  server = await startPostgres();
  const url = await server.createDatabase();
  for (let n = 0; n < 2; n++) databases.push(await postgres({ url }));
  const [first, second] = databases;
  if (first === undefined || second === undefined) throw new Error("There are two databases.");
  [here, there] = [await createRuns({ database: first }), await createRuns({ database: second })];
});

afterAll(async () => {
  for (const each of [here, there, ...databases, server]) await each[Symbol.asyncDispose]();
});

const logOf = async (run: RunHandle<unknown>) => await Array.fromAsync(run.events({ live: false }));

describe("on two machines", () => {
  it("a run is steered, asked, paused, resumed and forked from the other one", async () => {
    const go = Promise.withResolvers<void>();
    const flow = workflow({
      name: "flow",
      run: async (context: RunContext) => {
        await context.step("one", () => go.promise);
        const said = await context.steered();
        return [said, await context.waitFor("ok")];
      },
    });
    there.register(flow);
    const run = await here.start(flow, null);
    const seen = await there.open(run.id);
    await seen.pause();
    await seen.steer("left");
    go.resolve();
    await until(seen, "step.completed");
    await expect(seen.signal("ok", 1, { expected: true })).rejects.toMatchObject({ code: "signal_unexpected" });
    await seen.resume();
    await until(seen, "signal.awaited");
    const fork = await seen.fork();
    await seen.signal("ok", 1, { expected: true });
    await fork.signal("ok", 2);
    expect(await run.result()).toEqual([["left"], 1]);
    expect(await fork.result()).toEqual([["left"], 2]);
  });

  it.each([
    ["cancel", (run: RunHandle) => run.cancel()],
    ["pause", (run: RunHandle) => run.pause().then(() => run.resume())],
    ["signal", (run: RunHandle) => run.signal("go")],
  ] as const)("a %s that races with the end has one outcome, 60 times", { timeout: 60_000 }, async (name, ask) => {
    const quick = workflow({ name: `quick-${name}`, run: async (context) => await context.step("one", () => 1) });
    for (let n = 0; n < 60; n++) {
      const run = await here.start(quick, null);
      const seen = await there.open(run.id);
      const asked = await ask(seen).catch((error: { code: string }) => expect(error.code).toBe("run_finished"));
      await run.result().catch((error: { code: string }) => expect(error.code).toBe("run_cancelled"));
      const record = await seen.record();
      expect(asked === undefined || name === "cancel" || record.status === "completed").toBe(true);
      const log = await logOf(seen);
      expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
      expect(log.filter(({ type }) => ["run.completed", "run.cancelled"].includes(type))).toHaveLength(1);
      expect(log.at(-1)?.type).toBe(`run.${record.status}`);
    }
  });
});
