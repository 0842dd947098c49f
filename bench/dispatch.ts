import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startPostgres } from "../test/lib/postgres.ts";
import type { Backlog } from "./dispatch/backlog.ts";
import type { Latency } from "./dispatch/latency.ts";
import type { Task } from "./dispatch/subject.ts";
import { median } from "./lib/harness.ts";
import type { BenchResult } from "./lib/harness.ts";

const rounds = 5;
/** Without it V8 lets the space for young objects grow to 96 MB, of which a worker's live data is a tenth. */
const execArgv = ["--max-semi-space-size=8"];

/**
 * Measures how long a run takes from the call that enqueues it to the first line of its function, on SQLite (synchronous=FULL) and on
 * PostgreSQL with pg-boss; and what a queue of 100,000 runs costs, and how fairly it is shared.
 */
export async function run(): Promise<BenchResult> {
  await build();
  await using server = await startPostgres();
  const embedded: Latency[] = [];
  const cluster: Latency[] = [];
  for (let round = 0; round < rounds; round++) {
    embedded.push(await inFolder<Latency>("latency"));
    cluster.push(await inProcess<Latency>({ kind: "latency", url: await server.createDatabase("dispatch") }));
  }
  const backlog = await inFolder<Backlog>("backlog");
  return {
    metrics: {
      embedded_p50_ms: rounded(median(embedded.map(({ p50Ms }) => p50Ms))),
      embedded_p99_ms: rounded(median(embedded.map(({ p99Ms }) => p99Ms))),
      cluster_p50_ms: rounded(median(cluster.map(({ p50Ms }) => p50Ms))),
      cluster_p99_ms: rounded(median(cluster.map(({ p99Ms }) => p99Ms))),
      fairness_error: Number(backlog.fairnessError.toFixed(4)),
      inversions: backlog.inversions,
      memory_mb: Math.round(backlog.memoryMb),
      enqueued_per_s: Math.round(backlog.enqueuedPerS),
      dispatched_per_s: Math.round(backlog.dispatchedPerS),
    },
    ratios: {},
    notes: [
      "Latency: five rounds of 300 runs, one after another, into an idle queue, by a process that starts and works; both commits of the enqueue, the claim and the run's own claim are in it.",
      "Backlog: embedded only, 100,000 runs without steps, of 20 tenants with 1, 1/2, … 1/20 of the greatest backlog, in three priorities; fairness is that of the first half dispatched of each priority, against even shares, what a tenant has no runs for going to the others.",
      "The processes run compiled code, with --max-semi-space-size=8; with V8's own size of 32 the same backlog takes about 100 MB more, at the same speed.",
      "inversions counts runs that began after one of a lower priority had: those of a claim begin together, in no promised order.",
    ],
  };
}

/** What is measured is what `npm run build` made of the sources. */
async function build(): Promise<void> {
  const cwd = fileURLToPath(new URL("../", import.meta.url));
  const building = spawn(process.execPath, ["tools/build.ts"], { cwd, stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(building, "exit")) as [number | null];
  if (code !== 0) throw new Error("The sources could not be built.");
}

async function inFolder<Found>(kind: Task["kind"]): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-dispatch-"));
  try {
    return await inProcess<Found>({ kind, folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inProcess<Found>(task: Task): Promise<Found> {
  const child = fork(fileURLToPath(new URL("dispatch/child.ts", import.meta.url)), {
    execArgv,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const found = new Promise<Found>((resolve) => child.once("message", (value) => resolve(value as Found)));
  child.send(task);
  const ended = exited.then(() => Promise.reject(new Error(`The process of ${task.kind} ended.`)));
  const value = await Promise.race([found, ended]);
  await exited;
  return value;
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}
