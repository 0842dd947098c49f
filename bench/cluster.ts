import { startPostgres } from "../test/lib/postgres.ts";
import { startEngine } from "./cluster/start-child.ts";
import { alternate } from "./lib/harness.ts";
import type { BenchResult } from "./lib/harness.ts";
import { installPeers } from "./lib/peers.ts";

const rounds = 5;
const many = 128;
const durationMs = 1_000;

/** Measures runs of ten steps on one PostgreSQL 18: through the queue from enqueue to end, and begun at once. */
export async function run(): Promise<BenchResult> {
  await installPeers();
  await using server = await startPostgres({ own: true });
  using atlas = await startEngine("atlas", await server.createDatabase("atlas"));
  using dbos = await startEngine("dbos", await server.createDatabase("dbos"));
  using langgraph = await startEngine("langgraph", await server.createDatabase("langgraph"));
  const found = await alternate(
    {
      atlasQueue: () => atlas.measure({ way: "queue", concurrency: many, runs: 2_560 }),
      dbosQueue: () => dbos.measure({ way: "queue", concurrency: many, runs: 256 }),
      atlasAlone: () => atlas.measure({ way: "direct", concurrency: 1, durationMs }),
      dbosAlone: () => dbos.measure({ way: "direct", concurrency: 1, durationMs }),
      atlasMany: () => atlas.measure({ way: "direct", concurrency: many, durationMs }),
      langgraphMany: () => langgraph.measure({ way: "direct", concurrency: many, durationMs }),
    },
    rounds,
  );
  return {
    metrics: {
      queue_steps_per_s: found.atlasQueue,
      dbos_queue_steps_per_s: found.dbosQueue,
      c1_steps_per_s: found.atlasAlone,
      dbos_c1_steps_per_s: found.dbosAlone,
      direct_steps_per_s: found.atlasMany,
      langgraph_postgres_steps_per_s: found.langgraphMany,
    },
    ratios: {
      steps_vs_dbos: found.atlasQueue / found.dbosQueue,
      steps_vs_dbos_c1: found.atlasAlone / found.dbosAlone,
      steps_vs_langgraph_postgres: found.atlasMany / found.langgraphMany,
    },
    notes: [
      "Runs of ten steps with small outputs on one PostgreSQL 18 with its own settings (fsync and synchronous_commit on), each engine in a process and a database of its own, in turn.",
      `Queue: ${many} callers enqueue run by run, and the same process works on ${many} at once; the time is from the first enqueue to the last end. Direct: begun and awaited, 1 or ${many} at once.`,
      "DBOS polls its queue every 100 ms; LangGraph has 50 connections and does not wait for its checkpoints, Atlas and DBOS wait for each step.",
      "Left out: several workers, a network between worker and database, large outputs.",
    ],
  };
}
