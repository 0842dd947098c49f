import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Atlas, RunEvent, RunHandle } from "../src/index.ts";
import { createAtlas, workflow } from "../src/index.ts";
import type { PostgresServer } from "./lib/postgres.ts";
import { startPostgres } from "./lib/postgres.ts";

const root = resolve(import.meta.dirname, "..");
const steps = 5;

/** What the workers load: each step writes a line to a file outside of the database, which nothing takes back. */
const flows = (index: string): string => `
import { appendFileSync } from "node:fs";
import { workflow } from ${JSON.stringify(index)};
const recorder = process.env.RECORDER;
export const trip = workflow({
  name: "trip",
  run: async (context, item) => {
    for (let step = 0; step < ${steps}; step++)
      await context.step("s" + step, async () => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        appendFileSync(recorder, context.runId + " s" + step + "\\n");
      });
    return { item, pid: process.pid };
  },
});
export const patient = workflow({
  name: "patient",
  run: async (context) => {
    const heard = [];
    for (let step = 0; ; step++) {
      for (const each of await context.steered()) heard.push(each);
      if (heard.includes("enough")) return heard;
      await context.step("look", () => new Promise((resolve) => setTimeout(resolve, 20)));
    }
  },
});
`;

let server: PostgresServer;
let folder: string;
let storage: string;
let folders: string[];
let workers: Worker[];

beforeAll(async () => {
  server = await startPostgres({ own: true });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-cluster-"));
  storage = await server.createDatabase("cluster");
  writeFileSync(join(folder, "flows.ts"), flows(join(root, "src", "index.ts")));
  writeFileSync(join(folder, "atlas.toml"), 'modules = ["flows.ts"]\nmodel = "offline/extractive"\n');
  folders = [folder];
  workers = [];
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.end("SIGKILL")));
  for (const each of folders) rmSync(each, { recursive: true });
});

interface Worker {
  readonly process: ChildProcess;
  /** Every line that it wrote so far. */
  readonly lines: Record<string, unknown>[];
  readonly talk: string[];
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `atlas worker` as a user does, and waits until it works. */
async function startWorker(name: string): Promise<Worker> {
  const args = [join(root, "src", "cli", "main.ts"), "worker", "--json", "--name", name, "--storage", storage];
  const env = { ...process.env, RECORDER: join(folder, "effects.txt"), OLLAMA_HOST: "http://127.0.0.1:1" };
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const lines: Record<string, unknown>[] = [];
  const talk: string[] = [];
  const exit = once(child, "exit");
  createInterface(child.stderr).on("line", (line) => void talk.push(line));
  const started = Promise.withResolvers<void>();
  createInterface(child.stdout).on("line", (line) => {
    const read = JSON.parse(line) as Record<string, unknown>;
    lines.push(read);
    if (read["type"] === "worker.started") started.resolve();
  });
  const worker: Worker = {
    process: child,
    lines,
    talk,
    async end(signal) {
      child.kill(signal);
      await exit;
      return child.exitCode;
    },
  };
  workers.push(worker);
  void exit.then(() => started.reject(new Error(`The worker ended: ${talk.join("\n")}`)));
  await started.promise;
  return worker;
}

const elsewhere = (name: string) =>
  workflow({ name, run: () => Promise.reject(new Error("This process takes nothing from queues.")) });
const trip = elsewhere("trip");
const patient = elsewhere("patient");

/** Opens the same cluster in this process, which starts, follows and steers runs, and executes none. */
async function openStarter(): Promise<Atlas> {
  // It has no modules of its own.
  const directory = mkdtempSync(join(tmpdir(), "atlas-cluster-starter-"));
  folders.push(directory);
  const environment = { OLLAMA_HOST: "http://127.0.0.1:1" };
  return await createAtlas({ directory, environment, settings: { storage }, worker: false, recover: false });
}

async function startTrips(atlas: Atlas, count: number): Promise<readonly RunHandle[]> {
  const planned = Array.from({ length: count }, (_, input) => ({ workflow: trip, input, options: { queue: "trips" } }));
  return await atlas.runs.startMany(planned);
}

/** Tells which steps of which runs were done how often, as the world outside saw it. */
function effects(): Map<string, number> {
  const lines = readFileSync(join(folder, "effects.txt"), "utf8").trimEnd().split("\n");
  return new Map([...Map.groupBy(lines, (line) => line)].map(([line, all]) => [line, all.length]));
}

/** Checks that every run ended well, and that no step that was recorded was done again. */
async function expectAllDoneOnce(runs: readonly RunHandle[]): Promise<void> {
  const done = effects();
  expect(done.size).toBe(runs.length * steps);
  for (const run of runs) {
    const record = await run.record();
    expect(record).toMatchObject({ status: "completed" });
    const log = await Array.fromAsync(run.events());
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
    const keys = log.filter(({ type }) => type === "step.completed").map(({ key }) => key);
    expect(keys).toEqual(Array.from({ length: steps }, (_, step) => `s${step}`));
    // What was under way when its process died may be done again by each that took the run over, and nothing else.
    const takeovers = log.filter(({ type }) => type === "run.claimed" || type === "run.resumed").length - 1;
    const repeated = keys.filter((key) => (done.get(`${run.id} ${key}`) ?? 0) > 1).length;
    expect(repeated).toBeLessThanOrEqual(takeovers);
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((wait) => setTimeout(wait, 20));
}

const endedBy = (worker: Worker): number => worker.lines.filter(({ type }) => type === "run.ended").length;

describe("two workers on one PostgreSQL", () => {
  test(
    "finish 200 runs although one is killed in the middle, and repeat no recorded step",
    { timeout: 60_000 },
    async ({ annotate }) => {
      const [first, second] = [await startWorker("first"), await startWorker("second")];
      await using atlas = await openStarter();
      const runs = await startTrips(atlas, 200);
      await until(() => endedBy(first) >= 30 && endedBy(second) >= 1);
      const killed = performance.now();
      first.process.kill("SIGKILL");
      await Promise.all(runs.map((run) => run.result()));
      const tookMs = Math.round(performance.now() - killed);
      await expectAllDoneOnce(runs);
      expect(endedBy(first)).toBeLessThan(200);
      await annotate(`All 200 runs ended ${tookMs} ms after the kill.`);
      expect(tookMs).toBeLessThan(15_000);
      expect(await second.end("SIGTERM")).toBe(0);
      expect(second.lines.at(-1)).toMatchObject({ type: "worker.ended", failed: 0 });
    },
  );

  test("lose nothing when the database is restarted as by a crash", { timeout: 60_000 }, async () => {
    const [first, second] = [await startWorker("first"), await startWorker("second")];
    await using atlas = await openStarter();
    const runs = await startTrips(atlas, 200);
    await until(() => endedBy(first) + endedBy(second) >= 40);
    await server.restart("immediate");
    await Promise.all(runs.map((run) => run.result()));
    await expectAllDoneOnce(runs);
  });

  test("are followed, paused, steered and cancelled from a third process", { timeout: 60_000 }, async () => {
    await startWorker("first");
    await startWorker("second");
    await using atlas = await openStarter();
    const [run, other] = await atlas.runs.startMany(
      [1, 2].map((input) => ({ workflow: patient, input, options: { queue: "talks" } })),
    );
    if (!run || !other) throw new Error("Two runs were started.");
    const seen: RunEvent[] = [];
    const following = (async () => {
      for await (const event of run.events()) seen.push(event);
    })();
    await until(() => seen.filter(({ type }) => type === "step.completed").length >= 3);
    await run.pause();
    expect(await run.record()).toMatchObject({ paused: true });
    await until(() => seen.some(({ type }) => type === "run.paused"));
    const count = seen.length;
    await new Promise((wait) => setTimeout(wait, 300));
    // At most the step that was under way was finished.
    expect(seen.length).toBeLessThanOrEqual(count + 2);
    await run.resume();
    await run.steer("enough");
    expect(await run.result()).toEqual(["enough"]);
    await following;
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
    await until(() => workers.some(({ lines }) => lines.some(({ runId }) => runId === other.id)));
    expect(await other.cancel("not wanted")).toMatchObject({ status: "cancelled" });
    await expect(other.result()).rejects.toMatchObject({ code: "run_cancelled" });
  });
});

test(
  "a worker on a file works beside the process that started the runs, and drains at SIGTERM",
  { timeout: 60_000 },
  async () => {
    storage = join(folder, "atlas.db");
    const worker = await startWorker("alone");
    await using atlas = await openStarter();
    const runs = await startTrips(atlas, 20);
    await until(() => endedBy(worker) >= 3);
    expect(await worker.end("SIGTERM")).toBe(0);
    expect(worker.lines.at(-1)).toMatchObject({ type: "worker.ended", failed: 0, interrupted: 0 });
    await startWorker("next");
    await Promise.all(runs.map((run) => run.result()));
    await expectAllDoneOnce(runs);
  },
);
