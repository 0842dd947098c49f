import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRuns } from "../src/runs/index.ts";
import type { RunEvent, RunRecord, Runs } from "../src/runs/index.ts";
import { sqlite } from "../src/storage/adapters/sqlite.ts";
import type { Database } from "../src/storage/index.ts";

const program = fileURLToPath(new URL("./takeover/worker.ts", import.meta.url));

let folder: string;
let database: Database;
let runs: Runs;
const workers = new Set<ChildProcess>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-takeover-"));
  writeFileSync(join(folder, "record"), "");
  database = await sqlite({ path: join(folder, "atlas.db") });
  runs = await createRuns({ database, worker: false });
});
afterEach(async () => {
  for (const worker of workers) worker.kill("SIGKILL");
  workers.clear();
  await runs[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Begun {
  readonly run: string;
  readonly step: number;
  readonly by: string;
  readonly at: number;
}

/** Starts a worker and waits until it is ready. */
async function start(name: string, ...options: string[]): Promise<ChildProcess> {
  const args = [program, join(folder, "atlas.db"), join(folder, "record"), name, ...options];
  const worker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  workers.add(worker);
  await new Promise<void>((resolve, reject) => {
    worker.stdout?.once("data", () => resolve());
    worker.once("exit", (code, signal) => reject(new Error(`${name} ended before it was ready: ${code ?? signal}`)));
  });
  return worker;
}

function kill(worker: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    worker.once("exit", () => resolve(Date.now()));
    worker.kill("SIGKILL");
  });
}

/** What began, by the record outside of the database. */
function begun(): Begun[] {
  const lines = readFileSync(join(folder, "record"), "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Begun);
}

async function allEnded(): Promise<readonly RunRecord[]> {
  const found = await runs.list({ limit: 1_000 });
  for (const { id } of found) for await (const _ of (await runs.open(id)).events({ after: Number.MAX_SAFE_INTEGER }));
  const records = await runs.list({ limit: 1_000 });
  // A run between two owners ends its followers' wait: look again.
  return records.every((run) => run.finishedAt !== undefined) ? records : (await delay(50), await allEnded());
}

async function logOf(id: string): Promise<RunEvent[]> {
  return await Array.fromAsync((await runs.open(id)).events({ live: false }));
}

/** Waits for a condition that other processes bring about. */
async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await delay(20);
}

/** Checks a log: no gap, no step recorded twice, and gives its takeovers. */
async function takeoversOf(id: string): Promise<RunEvent[]> {
  const log = await logOf(id);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  const keys = log.filter(({ type }) => type === "step.completed").map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  return log.filter(({ type }) => type === "run.resumed");
}

describe("when a worker is killed", () => {
  it.each([
    { told: "with clocks alike", skews: [0, 0] },
    { told: "with clocks that are two hours apart", skews: [3_600_000, -3_600_000] },
  ])("a survivor has taken its 50 runs over within three seconds, $told", { timeout: 30_000 }, async ({ skews }) => {
    const [first, second] = skews;
    const owner = await start("owner", "--start", "50", `--skew-ms=${first}`, "--pause-ms", "400");
    await start("survivor", `--skew-ms=${second}`);
    await until(() => begun().length >= 50);
    const killedAt = await kill(owner);
    const records = await allEnded();
    expect(records.map((run) => run.status)).toEqual(records.map(() => "completed"));
    for (const { id } of records) {
      const [takeover, ...others] = await takeoversOf(id);
      expect(others).toEqual([]);
      expect((takeover?.at ?? Infinity) - (second ?? 0) - killedAt).toBeLessThan(3_000);
    }
    expect(await runs.workers()).toMatchObject([{ name: "survivor", alive: true }]);
  });

  it("two survivors share its runs, and each run has one of them", { timeout: 30_000 }, async () => {
    const owner = await start("owner", "--start", "150", "--pause-ms", "400");
    await Promise.all([start("one"), start("two")]);
    await until(() => begun().length >= 150);
    await kill(owner);
    const records = await allEnded();
    expect(records.filter((run) => run.status !== "completed")).toEqual([]);
    for (const { id } of records) expect(await takeoversOf(id)).toHaveLength(1);
    const steps = begun();
    expect(new Set(steps.map(({ by }) => by))).toEqual(new Set(["owner", "one", "two"]));
    const again = Map.groupBy(steps, ({ run, step }) => `${run} ${step}`);
    // A body may begin twice only when the kill came before its record.
    for (const same of again.values()) expect(same.filter(({ by }) => by !== "owner").length).toBeLessThan(2);
  });

  it("another of the same name goes on with its runs", { timeout: 30_000 }, async () => {
    const owner = await start("same", "--start", "5", "--pause-ms", "300");
    await until(() => begun().length >= 5);
    await kill(owner);
    await start("same");
    expect((await allEnded()).map((run) => run.status)).toEqual(Array.from({ length: 5 }, () => "completed"));
  });
});

it(
  "a frozen worker loses its runs within 15 seconds, and begins and records nothing when it thaws",
  { timeout: 60_000 },
  async () => {
    const frozen = await start("frozen", "--start", "10", "--pause-ms", "300", "--steps", "60");
    await start("survivor", "--pause-ms", "20", "--steps", "60");
    await until(() => begun().length >= 20);
    frozen.kill("SIGSTOP");
    const stoppedAt = Date.now();
    const records = await allEnded();
    for (const { id } of records) {
      const takeovers = await takeoversOf(id);
      expect(takeovers).toHaveLength(1);
      expect((takeovers[0]?.at ?? Infinity) - stoppedAt).toBeLessThan(15_000);
    }
    const before = await Promise.all(records.map(({ id }) => logOf(id)));
    const thawedAt = Date.now();
    frozen.kill("SIGCONT");
    // It is alive again when it has told so, under a new name.
    await until(async () => (await runs.workers()).length === 1);
    await delay(1_500);
    expect(begun().filter(({ by, at }) => by === "frozen" && at >= thawedAt)).toEqual([]);
    expect(await Promise.all(records.map(({ id }) => logOf(id)))).toEqual(before);
  },
);

it("a run that kills every worker that takes it up fails as poisoned", { timeout: 60_000 }, async () => {
  await start("first", "--start", "1", "--die", "--pause-ms", "1");
  for (let died = 1; (await runs.list({ status: "failed" })).length === 0; died++) {
    expect(died).toBeLessThan(10);
    const next = await start(`worker ${died}`, "--die", "--pause-ms", "1").catch(() => undefined);
    if (!next) continue;
    const exited = new Promise<void>((resolve) => void next.once("exit", () => resolve()));
    const failed = until(async () => (await runs.list({ status: "failed" })).length > 0);
    await Promise.race([exited, failed]);
  }
  const [run] = await runs.list();
  expect(run).toMatchObject({ status: "failed", error: { code: "run_poisoned" } });
  expect(begun()).toHaveLength(5);
});
