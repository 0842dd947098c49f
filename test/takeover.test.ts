import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRuns } from "../src/runs/index.ts";
import type { RunEvent, RunRecord, Runs } from "../src/runs/index.ts";
import { startPostgres } from "./lib/postgres.ts";
import type { PostgresServer } from "./lib/postgres.ts";
import { counting } from "./takeover/counting.ts";
import { openStore } from "./takeover/store.ts";
import type { Store } from "./takeover/store.ts";

const program = fileURLToPath(new URL("./takeover/worker.ts", import.meta.url));

let folder: string;
let record: string;
let address: string;
let store: Store;
let runs: Runs;
const workers = new Set<ChildProcess>();

interface Begun {
  readonly run: string;
  readonly step: number;
  readonly by: string;
  readonly at: number;
}

/** Gives each test a database of its own, and an engine that only starts and follows. */
function useStore(newAddress: () => string | Promise<string>): void {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "atlas-takeover-"));
    record = join(folder, "record");
    writeFileSync(record, "");
    address = await newAddress();
    store = await openStore(address);
    runs = await createRuns({ ...store, worker: false });
  });
  afterEach(async () => {
    for (const worker of workers) worker.kill("SIGKILL");
    workers.clear();
    await runs[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
}

/** Starts a worker and waits until it is ready. */
async function start(name: string, ...options: string[]): Promise<ChildProcess> {
  const worker = spawn(process.execPath, [program, address, record, name, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
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

/** Freezes a worker, but not while it holds the file: who is frozen within a commit of SQLite keeps everybody from writing. */
async function freeze(worker: ChildProcess): Promise<number> {
  for (;;) {
    worker.kill("SIGSTOP");
    const stoppedAt = Date.now();
    const probe = store.database.write([{ sql: "DELETE FROM run_owner WHERE id = 'nobody'" }]);
    const isFree = await probe.then(
      () => true,
      () => false,
    );
    if (isFree) return stoppedAt;
    worker.kill("SIGCONT");
    await delay(100);
  }
}

/** What began, by the record outside of the database. */
function begun(): Begun[] {
  const lines = readFileSync(record, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Begun);
}

/** Waits for a condition that other processes bring about. */
async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await delay(20);
}

async function allEnded(): Promise<readonly RunRecord[]> {
  let found: readonly RunRecord[] = [];
  await until(async () => (found = await runs.list({ limit: 1_000 })).every((run) => run.finishedAt !== undefined));
  expect(found.map((run) => run.status)).toEqual(found.map(() => "completed"));
  return found;
}

async function logOf(id: string): Promise<RunEvent[]> {
  return await Array.fromAsync((await runs.open(id)).events({ live: false }));
}

/** Checks a log: no gap, no step recorded twice. Gives the entries of a type. */
async function entriesOf(id: string, wanted: string): Promise<RunEvent[]> {
  const log = await logOf(id);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  const keys = log.filter(({ type }) => type === "step.completed").map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  return log.filter(({ type }) => type === wanted);
}

/** A body may begin twice only when the end of its worker came before its record. */
function expectNothingTwice(killed: string): void {
  const bodies = Map.groupBy(begun(), ({ run, step }) => `${run} ${step}`);
  for (const same of bodies.values()) expect(same.filter(({ by }) => by !== killed).length).toBeLessThan(2);
}

function takeovers(): void {
  it.each([
    { told: "with clocks alike", skews: [0, 0] },
    { told: "with clocks that are two hours apart", skews: [3_600_000, -3_600_000] },
  ])("a survivor has taken the 50 runs of a killed one over within three seconds, $told", async ({ skews }) => {
    const [first, second = 0] = skews;
    await start("survivor", `--skew-ms=${second}`);
    const owner = await start("owner", "--start", "50", `--skew-ms=${first}`, "--pause-ms", "500");
    await until(() => begun().length >= 50);
    const killedAt = await kill(owner);
    for (const { id } of await allEnded()) {
      const [takeover, ...others] = await entriesOf(id, "run.resumed");
      expect(others).toEqual([]);
      expect((takeover?.at ?? Infinity) - second - killedAt).toBeLessThan(3_000);
    }
    expect(await runs.workers.list()).toMatchObject([{ name: "survivor", alive: true }]);
  });

  it("two survivors share the runs of a killed one, and each run has one of them", async () => {
    await Promise.all([start("one"), start("two")]);
    // So many that one survivor does not have them all before the other hears of them.
    const owner = await start("owner", "--start", "500", "--pause-ms", "500");
    await until(() => begun().length >= 500);
    await kill(owner);
    for (const { id } of await allEnded()) expect(await entriesOf(id, "run.resumed")).toHaveLength(1);
    expect(new Set(begun().map(({ by }) => by))).toEqual(new Set(["owner", "one", "two"]));
    expectNothingTwice("owner");
  });

  it("what a killed worker had from a queue goes back to it, and the others take it", async () => {
    const count = counting({ record, by: "nobody", steps: 5, pauseMs: 0 });
    await runs.startMany(
      Array.from({ length: 200 }, () => ({ workflow: count, input: null, options: { queue: "q" } })),
    );
    const [owner] = await Promise.all([start("owner", "--pause-ms", "200"), start("survivor")]);
    await until(() => begun().some(({ by }) => by === "owner") && begun().length > 200);
    const killedAt = await kill(owner);
    const records = await allEnded();
    const returned = (await Promise.all(records.map(({ id }) => entriesOf(id, "run.returned")))).flat();
    expect(returned.length).toBeGreaterThan(0);
    for (const { at } of returned) expect(at - killedAt).toBeLessThan(3_000);
    expectNothingTwice("owner");
  });

  it("a frozen worker loses its runs within 15 seconds, and begins and records nothing when it thaws", async () => {
    await start("survivor", "--pause-ms", "20", "--steps", "60");
    const frozen = await start("frozen", "--start", "10", "--pause-ms", "300", "--steps", "60");
    await until(() => begun().length >= 20);
    const stoppedAt = await freeze(frozen);
    const records = await allEnded();
    for (const { id } of records) {
      const [takeover, ...others] = await entriesOf(id, "run.resumed");
      expect(others).toEqual([]);
      expect((takeover?.at ?? Infinity) - stoppedAt).toBeLessThan(15_000);
    }
    const before = await Promise.all(records.map(({ id }) => logOf(id)));
    const thawedAt = Date.now();
    frozen.kill("SIGCONT");
    await delay(2_000);
    expect(begun().filter(({ by, at }) => by === "frozen" && at >= thawedAt)).toEqual([]);
    expect(await Promise.all(records.map(({ id }) => logOf(id)))).toEqual(before);
  });

  it("a cancel reaches a run in another process within two seconds", async () => {
    await start("owner", "--start", "1", "--pause-ms", "60000");
    const [run] = await runs.list();
    const cancelledAt = Date.now();
    const ended = await (await runs.open(run?.id ?? "")).cancel("enough");
    expect(ended.status).toBe("cancelled");
    expect(Date.now() - cancelledAt).toBeLessThan(2_000);
  });
}

describe("on SQLite,", { timeout: 90_000 }, () => {
  useStore(() => join(folder, "atlas.db"));
  takeovers();

  it("a run that kills every worker that takes it up fails as poisoned", async () => {
    await start("first", "--start", "1", "--die", "--pause-ms", "1").catch(() => {});
    const isFailed = async (): Promise<boolean> => (await runs.list({ status: "failed" })).length > 0;
    for (let died = 1; !(await isFailed()); died++) {
      expect(died).toBeLessThan(10);
      const next = await start(`worker-${died}`, "--die", "--pause-ms", "1").catch(() => undefined);
      if (next) await until(async () => next.exitCode !== null || next.signalCode !== null || (await isFailed()));
    }
    expect(await runs.list()).toMatchObject([{ status: "failed", error: { code: "run_poisoned" } }]);
    expect(begun()).toHaveLength(5);
  });
});

describe("on PostgreSQL,", { timeout: 90_000 }, () => {
  let server: PostgresServer;
  beforeAll(async () => void (server = await startPostgres()));
  afterAll(async () => await server[Symbol.asyncDispose]());
  useStore(() => server.createDatabase("takeover"));
  takeovers();
});
