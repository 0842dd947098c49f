import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createRuns, workflow } from "../src/runs/index.ts";
import { sqlite } from "../src/storage/adapters/sqlite.ts";

const stepsPerRun = 10;
const concurrencies = [1, 16, 128] as const;
const rounds = 5;
const roundMs = 700;

/**
 * Measures durable steps a second through the run engine (synchronous=FULL, writer thread, events, fencing) against raw
 * group-committed SQLite in this thread that writes as many rows (a run's start, its steps, its end).
 */
export async function run() {
  const metrics: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  for (const concurrency of concurrencies) {
    const samples = { floor: [] as number[], atlas: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      samples.floor.push(await withFolder((folder) => floor(folder, concurrency)));
      samples.atlas.push(await withFolder((folder) => atlas(folder, concurrency)));
    }
    const floorMedian = median(samples.floor);
    const atlasMedian = median(samples.atlas);
    metrics[`steps_per_s_c${concurrency}`] = Math.round(atlasMedian);
    metrics[`floor_steps_per_s_c${concurrency}`] = Math.round(floorMedian);
    ratios[concurrency === 128 ? "vs_floor" : `vs_floor_c${concurrency}`] = Number(
      (atlasMedian / floorMedian).toFixed(3),
    );
  }
  return {
    metrics,
    ratios,
    notes: [
      "The floor keeps no run state, no events and no fence, and has no thread of its own; ten steps a run, results of 20 bytes.",
    ],
  };
}

async function atlas(folder: string, concurrency: number): Promise<number> {
  await using database = await sqlite({ path: join(folder, "atlas.db") });
  await using runs = await createRuns({ database });
  const ten = workflow({
    name: "ten",
    run: async (context) => {
      for (let index = 0; index < stepsPerRun; index++) await context.step("step", () => ({ index, ok: true }));
      return "done";
    },
  });
  return await measure(concurrency, async () => void (await (await runs.start(ten, null)).result()));
}

async function floor(folder: string, concurrency: number): Promise<number> {
  const db = new DatabaseSync(join(folder, "floor.db"));
  db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
    CREATE TABLE run(id TEXT PRIMARY KEY, status INT, input TEXT, output TEXT, at INT) WITHOUT ROWID;
    CREATE TABLE step(run TEXT, seq INT, name TEXT, output TEXT, at INT, PRIMARY KEY(run, seq)) WITHOUT ROWID;`);
  const begin = db.prepare("INSERT INTO run VALUES(?, 1, ?, NULL, ?)");
  const end = db.prepare("UPDATE run SET status = 2, output = ?, at = ? WHERE id = ?");
  const add = db.prepare("INSERT INTO step VALUES(?, ?, ?, ?, ?)");
  let waiting: (() => void)[] = [];
  let acknowledge: (() => void)[] = [];
  let armed = false;
  const flush = (): void => {
    armed = false;
    const batch = waiting;
    const done = acknowledge;
    waiting = [];
    acknowledge = [];
    db.exec("BEGIN");
    for (const write of batch) write();
    db.exec("COMMIT");
    for (const resolve of done) resolve();
  };
  const durable = (write: () => void): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(write);
      acknowledge.push(resolve);
      if (armed) return;
      armed = true;
      setImmediate(flush);
    });
  let next = 0;
  const speed = await measure(concurrency, async () => {
    const id = `run-${(next++).toString(36).padStart(10, "0")}`;
    await durable(() => begin.run(id, "null", Date.now()));
    for (let index = 0; index < stepsPerRun; index++) {
      const output = JSON.stringify({ index, ok: true });
      await durable(() => add.run(id, index, "step", output, Date.now()));
    }
    await durable(() => end.run('"done"', Date.now(), id));
  });
  db.close();
  return speed;
}

/** Keeps `concurrency` runs going for the time of a round and gives steps a second. */
async function measure(concurrency: number, oneRun: () => Promise<void>): Promise<number> {
  await oneRun();
  let count = 0;
  const begin = performance.now();
  const loop = async (): Promise<void> => {
    while (performance.now() - begin < roundMs) {
      await oneRun();
      count++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  return (count * stepsPerRun * 1_000) / (performance.now() - begin);
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-bench-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
