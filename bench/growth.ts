// Measures whether a long run pays for its past: what a step costs, what it takes on disk, how long taking it up takes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRuns, workflow } from "../src/runs/index.ts";
import type { Runs } from "../src/runs/index.ts";
import { sqlite } from "../src/storage/adapters/sqlite.ts";
import type { Database } from "../src/storage/index.ts";
import type { BenchResult } from "./lib/harness.ts";
import { median, timeMs } from "./lib/harness.ts";

const steps = 10_000;
const checkpointEvery = 1_000;
const rounds = 5;

/** Does runs of 10,000 steps, each in a new database; every second one keeps a checkpoint now and then. */
export async function run(): Promise<BenchResult> {
  const plain = [];
  const kept = [];
  for (let round = 0; round <= rounds; round++) {
    plain.push(await inFolder((folder) => longRun(folder, false)));
    kept.push(await inFolder((folder) => longRun(folder, true)));
  }
  const of = (found: readonly Found[], pick: (one: Found) => number): number => median(found.slice(1).map(pick));
  return {
    metrics: {
      step_100_us: of(plain, ({ early }) => early * 1_000),
      step_10000_us: of(plain, ({ late }) => late * 1_000),
      bytes_per_step_first_half: of(plain, ({ firstBytes }) => firstBytes),
      bytes_per_step_second_half: of(plain, ({ secondBytes }) => secondBytes),
      resume_10000_ms: of(plain, ({ resumeMs }) => resumeMs),
      resume_10000_with_checkpoints_ms: of(kept, ({ resumeMs }) => resumeMs),
    },
    ratios: {
      step_10000_over_100: of(plain, ({ early, late }) => late / early),
      step_10000_over_100_with_checkpoints: of(kept, ({ early, late }) => late / early),
      bytes_second_over_first_half: of(plain, ({ firstBytes, secondBytes }) => secondBytes / firstBytes),
    },
    notes: [
      `One run of ${steps} steps, one at a time, synchronous=NORMAL so that the disk hides nothing, results of 20 bytes; medians of ${rounds} rounds after one that warms up.`,
      "A step's cost is the median of the 200 steps around it (1 to 200, and the last 200). Bytes are those of the log's rows, as text.",
      "Resume is a new process's part: from the call to the first step that the log does not hold, with the database open and 10,000 results given out again.",
      `With checkpoints: one for every ${checkpointEvery} steps; the last stands a few steps before the end.`,
    ],
  };
}

interface Found {
  readonly early: number;
  readonly late: number;
  readonly firstBytes: number;
  readonly secondBytes: number;
  readonly resumeMs: number;
}

async function longRun(folder: string, checkpoints: boolean): Promise<Found> {
  const times: number[] = [];
  const done = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  let isFirst = true;
  const long = workflow({
    name: "long",
    run: async (context) => {
      for (let index = Number(context.restored ?? 0); index < steps; index++) {
        const begin = performance.now();
        await context.step("step", () => ({ index, ok: true }));
        times.push(performance.now() - begin);
        if (checkpoints && index % checkpointEvery === checkpointEvery - 10) await context.checkpoint(index + 1);
      }
      if (isFirst) {
        done.resolve();
        await new Promise((_, reject) => context.signal.addEventListener("abort", reject, { once: true }));
      }
      await context.step("last", () => resumed.resolve());
    },
  });
  const path = join(folder, "growth.db");
  const { id, bytes } = await opened(path, async (runs, database) => {
    const started = await runs.start(long, null);
    await done.promise;
    return { id: started.id, bytes: await bytesOf(database) };
  });
  const early = median(times.slice(0, 200));
  const late = median(times.slice(-200));
  isFirst = false;
  const resumeMs = await opened(path, async (runs) => {
    runs.register(long);
    return await timeMs(async () => {
      await runs.resume(id);
      await resumed.promise;
    });
  });
  return { early, late, ...bytes, resumeMs };
}

async function bytesOf(database: Database): Promise<{ firstBytes: number; secondBytes: number }> {
  const size = "length(run_id) + length(type) + length(coalesce(key, '')) + length(data) + 14";
  const sql = `SELECT avg(CASE WHEN seq <= ?1 THEN ${size} END) AS first, avg(CASE WHEN seq > ?1 THEN ${size} END) AS second
    FROM run_event WHERE type = 'step.completed'`;
  const [row] = await database.read({ sql, params: [steps / 2] });
  return { firstBytes: Number(row?.["first"]), secondBytes: Number(row?.["second"]) };
}

async function opened<T>(path: string, work: (runs: Runs, database: Database) => Promise<T>): Promise<T> {
  await using database = await sqlite({ path, synchronous: "normal" });
  await using runs = await createRuns({ database });
  return await work(runs, database);
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-growth-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
