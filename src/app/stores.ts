import { existsSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Queue } from "../runs/index.ts";
import type { Database } from "../storage/index.ts";
import { isPostgresAddress, makeFolder } from "../storage/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { LoadedSettings } from "./settings.ts";

/** Is where an Atlas keeps what it knows. */
export interface Stores extends AsyncDisposable {
  /** Holds runs and what is spent; every machine of a cluster shares it. */
  readonly database: Database;
  /** Holds documents and their index: the same database, or a file of this machine's own in a cluster. */
  readonly knowledge: Database;
  /** The queue engine of a cluster; alone, the queue is in the database's tables. */
  readonly queue?: Queue;
}

/** Opens the stores that the settings name: one SQLite file, or a PostgreSQL server with a file for the knowledge. */
export async function openStores(settings: LoadedSettings, logger: Logger): Promise<Stores> {
  const { storage } = settings.values;
  if (isPostgresAddress(storage)) return await openCluster(settings, logger);
  const database = await openFile(resolve(settings.directory, storage));
  return { database, knowledge: database, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

/** Full-text search is SQLite's, so each machine of a cluster indexes the documents that it reads. */
async function openCluster({ values, directory }: LoadedSettings, logger: Logger): Promise<Stores> {
  const [{ postgres }, { pgBossQueue }] = await Promise.all([
    import("../storage/adapters/postgres.ts"),
    import("../runs/adapters/pg-boss.ts"),
  ]);
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await postgres({ url: values.storage }));
  const knowledge = parts.use(await openFile(join(directory, ".atlas", "knowledge.db")));
  const queue = parts.use(pgBossQueue({ database, logger }));
  const held = parts.move();
  return { database, knowledge, queue, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function openFile(path: string): Promise<Database> {
  const { sqlite } = await import("../storage/adapters/sqlite.ts");
  makeOwnFolder(dirname(path));
  return await sqlite({ path });
}

/** Makes `.atlas/`, for its owner alone and out of version control. Any other folder is the user's own affair. */
function makeOwnFolder(folder: string): void {
  if (basename(folder) !== ".atlas" || existsSync(folder)) return;
  try {
    makeFolder(folder, 0o700);
    writeFileSync(join(folder, ".gitignore"), "*\n");
  } catch {
    // The database, which needs the folder too, says what is wrong with it.
  }
}
