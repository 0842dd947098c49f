import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { createRuns } from "../../src/runs/index.ts";
import type { RunEvent, RunHandle, Runs, RunsOptions } from "../../src/runs/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import type { Database } from "../../src/storage/index.ts";
import type { ManualClock } from "../../src/testing/index.ts";

/** The database and the engine of the test that runs; `useEngine` makes them anew for each. */
export let database: Database;
export let runs: Runs;

/** Gives every test of the file a database and an engine of its own, on a real file. */
export function useEngine(): void {
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "atlas-runs-"));
    database = await sqlite({ path: join(folder, "atlas.db") });
    runs = await createRuns({ database });
  });
  afterEach(async () => {
    await runs[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
}

/** Closes the engine as a stop of the process does, and opens another one on the same file. */
export async function restart(options: Omit<RunsOptions, "database"> = {}): Promise<void> {
  await runs[Symbol.asyncDispose]();
  runs = await createRuns({ database, ...options });
}

/** Follows a run to its end and gives its log. */
export async function events(run: RunHandle<unknown>, after = 0): Promise<RunEvent[]> {
  return await Array.fromAsync(run.events({ after }));
}

/** Waits until the log of a run holds an entry of a type. */
export async function until(run: RunHandle<unknown>, type: string): Promise<RunEvent> {
  for await (const event of run.events()) if (event.type === type) return event;
  throw new Error(`${run.id} ended without ${type}`);
}

/** Moves time on until a promise settles. A commit for each second: time goes no faster than the engine's own work. */
export async function inTime<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const progress = { isSettled: false };
  const settle = (): void => void (progress.isSettled = true);
  promise.then(settle, settle);
  while (!progress.isSettled) {
    await clock.advance(1_000);
    await database.write([{ sql: "UPDATE run_schedule SET last_at = last_at" }]);
  }
  return await promise;
}
