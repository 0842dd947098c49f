import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRuns, workflow } from "../src/runs/index.ts";
import type { PlannedRun, Runs } from "../src/runs/index.ts";
import { sqlite } from "../src/storage/adapters/sqlite.ts";
import type { Database } from "../src/storage/index.ts";

let folder: string;
let database: Database;
let runs: Runs;
let workers: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-queue-processes-"));
  database = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
  runs = await createRuns({ database, worker: false });
  workers = [];
  await database.write([
    {
      sql: `CREATE TABLE visit(run_id TEXT PRIMARY KEY, worker TEXT, queue TEXT, tenant TEXT, workflow TEXT, of_queue INTEGER, of_tenant INTEGER,
        of_workflow INTEGER, gone INTEGER NOT NULL DEFAULT 0)`,
    },
  ]);
});

afterEach(async () => {
  await Promise.all(workers.map(stopWorker));
  await runs[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function startWorker(name: string): Promise<void> {
  const script = fileURLToPath(new URL("lib/queue-worker.ts", import.meta.url));
  const worker = spawn(process.execPath, [script, join(folder, "atlas.db"), name], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  workers.push(worker);
  await once(worker.stdout, "data");
}

async function stopWorker(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exited = once(worker, "exit");
  worker.stdin?.end();
  await exited;
}

const quick = workflow({ name: "quick", run: () => Promise.resolve("") });
const slow = workflow({ name: "slow", run: () => Promise.resolve("") });

function planned(index: number): PlannedRun {
  const queue = index % 2 === 0 ? "left" : "right";
  const tenant = ["ada", "bob", "eve"][index % 3] ?? "";
  return { workflow: index % 4 === 0 ? slow : quick, input: queue, options: { queue, tenant } };
}

describe("two processes on one file", () => {
  it("share the work of its queues and keep every limit together", { timeout: 60_000 }, async () => {
    await runs.queues.limit("left", { concurrency: 6 });
    await runs.queues.limit("right", { perTenant: 2 });
    await Promise.all([startWorker("one"), startWorker("two")]);
    const handles = await runs.startMany(Array.from({ length: 400 }, (_, index) => planned(index)));
    const by = await Promise.all(handles.map((handle) => handle.result()));
    const counts = Map.groupBy(by, String);
    expect([...counts.keys()].toSorted()).toEqual(["one", "two"]);
    const [most] = await database.read({
      sql: `SELECT count(*) AS visits, max(CASE WHEN queue = 'left' THEN of_queue END) AS of_left,
        max(CASE WHEN queue = 'right' THEN of_tenant END) AS of_tenant, max(CASE WHEN workflow = 'slow' THEN of_workflow END) AS of_slow FROM visit`,
    });
    expect(most?.["visits"]).toBe(400);
    expect(most?.["of_left"]).toBeLessThanOrEqual(6);
    expect(most?.["of_tenant"]).toBeLessThanOrEqual(2);
    expect(most?.["of_slow"]).toBeLessThanOrEqual(4);
    const claims = await database.read({
      sql: "SELECT run_id FROM run_event WHERE type = 'run.claimed' GROUP BY run_id HAVING count(*) > 1",
    });
    expect(claims).toEqual([]);
  });
});
