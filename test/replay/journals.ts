import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonValue } from "../../src/base/index.ts";
import { createRuns } from "../../src/runs/index.ts";
import type { RunHandle } from "../../src/runs/index.ts";
import { runMigrations } from "../../src/runs/schema.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import type { Database, Row, SqlValue } from "../../src/storage/index.ts";
import type { Scene, Surroundings } from "./scenes.ts";

const tables = ["run", "run_event", "run_signal"] as const;

/** Is the log of a run that was cut off, with the tables as the release that recorded it wrote them. */
export interface Journal {
  readonly scene: string;
  /** The version of the schema of the tables. */
  readonly schema: number;
  readonly run: string;
  readonly rows: Readonly<Record<(typeof tables)[number], readonly Row[]>>;
}

/** Is what a run that goes on from a journal must do, for ever. */
export interface Continuation {
  readonly output: JsonValue;
  /** The entries that it adds, as `type key`. */
  readonly entries: readonly string[];
  /** The idempotency keys of the bodies that run again or for the first time. */
  readonly bodies: readonly string[];
}

/** Records a scene: lets it run to where it is cut off, stops the engine, and reads the tables. */
export async function recordJournal(scene: Scene): Promise<Journal> {
  return await onDatabase(async (database) => {
    const cut = Promise.withResolvers<void>();
    const around: Surroundings = { cut: true, reached: () => cut.resolve(), done: [] };
    const runs = await createRuns({ database });
    const queue = scene.queue === undefined ? {} : { queue: scene.queue, retry: { attempts: 3 } };
    const run = await runs.start(scene.make(around), scene.input, queue);
    for (const name of (scene.signals ?? []).slice(0, 1)) await run.signal(name, `the ${name}`);
    await cut.promise;
    // What comes before the cut is written with the entry that begins the wait.
    if (scene.name === "timers" || scene.name === "signals") await hasBegun(run, 2);
    await runs[Symbol.asyncDispose]();
    const read = async (table: string): Promise<readonly Row[]> => [
      ...(await database.read({ sql: `SELECT * FROM ${table}` })),
    ];
    const [rows, events, signals] = [await read("run"), await read("run_event"), await read("run_signal")];
    const schema = runMigrations.at(-1)?.version ?? 0;
    return { scene: scene.name, schema, run: run.id, rows: { run: rows, run_event: events, run_signal: signals } };
  });
}

async function hasBegun(run: RunHandle<unknown>, waits: number): Promise<void> {
  let seen = 0;
  for await (const { type } of run.events()) {
    if ((type === "timer.started" || type === "signal.awaited") && ++seen === waits) return;
  }
}

/** Puts a journal into an empty database of its schema, opens this release's engine on it, and lets the run go on to its end. */
export async function goOn({ run: id, rows, schema }: Journal, scene: Scene): Promise<Continuation> {
  return await onDatabase(async (database) => {
    await database.migrate(
      "runs",
      runMigrations.filter(({ version }) => version <= schema),
    );
    for (const table of tables) await insert(database, table, rows[table]);
    const around: Surroundings = { cut: false, reached: () => {}, done: [] };
    await using runs = await createRuns({ database, worker: scene.queue === undefined ? false : {} });
    runs.register(scene.make(around));
    const run = scene.queue === undefined ? await runs.resume(id) : await runs.open(id);
    for (const name of (scene.signals ?? []).slice(1)) await run.signal(name, `the ${name}`);
    const output = await run.result();
    const last = Math.max(...rows.run_event.filter((row) => row["run_id"] === id).map((row) => Number(row["seq"])));
    const log = await Array.fromAsync(run.events({ after: last }));
    const entries = log.map(({ type, key }) => (key === undefined ? type : `${type} ${key}`));
    return { output, entries, bodies: around.done };
  });
}

async function insert(database: Database, table: string, rows: readonly Row[]): Promise<void> {
  for (const row of rows) {
    const names = Object.keys(row);
    const params: SqlValue[] = Object.values(row);
    const sql = `INSERT INTO ${table}(${names.join(", ")}) VALUES(${names.map(() => "?").join(", ")})`;
    await database.write([{ sql, params }]);
  }
}

async function onDatabase<T>(use: (database: Database) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-replay-"));
  try {
    await using database = await sqlite({ path: join(folder, "atlas.db") });
    return await use(database);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
