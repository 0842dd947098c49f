import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createKnowledge } from "../knowledge/index.ts";
import { budgetHistory } from "../providers/index.ts";
import { runHistory } from "../runs/index.ts";
import type { Database, Domains } from "../storage/index.ts";
import { backupPortable, isPostgresAddress, restoreDatabase, shownAddress, storageErrors } from "../storage/index.ts";
import type { LoadedSettings } from "./settings.ts";
import type { StoreDesk, StoreStatus } from "./store-desk.ts";

/** Does what `openStoreDesk` says. */
export function createStoreDesk(settings: LoadedSettings): StoreDesk {
  const given = settings.values.storage;
  const isServer = isPostgresAddress(given);
  const storage = isServer ? given : resolve(settings.directory, given);
  const exists = (): boolean => isServer || existsSync(storage);
  const open = async (): Promise<Database> => {
    if (!exists()) {
      throw storageErrors.create(
        "database_open_failed",
        `There is no database ${storage} yet; the first run makes it.`,
        {
          details: { path: storage },
        },
      );
    }
    return await openAny(storage);
  };
  const desk: StoreDesk = {
    async status() {
      const empty = { storage: shownAddress(storage), dialect: isServer ? "postgres" : "sqlite" } as const;
      if (!exists())
        return {
          ...empty,
          exists: false,
          sizeBytes: 0,
          versions: {},
          tables: {},
          owners: { known: 0, alive: 0 },
          queues: {},
        };
      await using database = await open();
      return { ...empty, exists: true, ...(await readStatus(database, isServer)) };
    },
    async migrate() {
      {
        await using database = await openAny(storage);
        for (const [domain, migrations] of Object.entries(await domains())) await database.migrate(domain, migrations);
        // In a cluster the knowledge is in files of its own.
        if (!isServer) await createKnowledge({ database });
      }
      return await desk.status();
    },
    async backup(path, { portable = false, ...options } = {}) {
      if (!exists()) await open();
      const target = resolve(settings.directory, path);
      if (portable || isServer) return await backupPortable(storage, target, { ...options, domains: await domains() });
      await using database = await open();
      return await database.backup(target, options);
    },
    async restore(path, signal) {
      return await restoreDatabase(resolve(settings.directory, path), storage, { domains: await domains(), signal });
    },
    async check() {
      await using database = await open();
      return await database.check();
    },
  };
  return desk;
}

/** What a portable backup holds; the knowledge is made anew from the documents. */
async function domains(): Promise<Domains> {
  return { runs: await runHistory(), budgets: await budgetHistory() };
}

async function openAny(storage: string): Promise<Database> {
  if (isPostgresAddress(storage))
    return await (await import("../storage/adapters/postgres.ts")).postgres({ url: storage });
  return await (await import("../storage/adapters/sqlite.ts")).sqlite({ path: storage });
}

const fileTables = `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`;
const serverTables = `SELECT c.relname AS name FROM pg_class c
  WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname`;

async function readStatus(
  database: Database,
  isServer: boolean,
): Promise<Pick<StoreStatus, "sizeBytes" | "versions" | "tables" | "owners" | "queues">> {
  const names = (await database.read({ sql: isServer ? serverTables : fileTables })).map((row) => String(row["name"]));
  const tables: Record<string, number> = {};
  for (const name of names) {
    const [row] = await database.read({ sql: `SELECT count(*) AS count FROM "${name}"` });
    tables[name] = Number(row?.["count"] ?? 0);
  }
  const size = isServer
    ? "SELECT pg_database_size(current_database()) AS size"
    : "SELECT page_count * page_size AS size FROM pragma_page_count, pragma_page_size";
  const [sized] = await database.read({ sql: size });
  return {
    sizeBytes: Number(sized?.["size"] ?? 0),
    versions: "atlas_migration" in tables ? await readVersions(database) : {},
    tables,
    owners: "run_owner" in tables ? await countOwners(database) : { known: 0, alive: 0 },
    queues: "run_queue" in tables ? await countQueued(database) : {},
  };
}

async function readVersions(database: Database): Promise<StoreStatus["versions"]> {
  const known = await domains();
  const sql = "SELECT domain, max(version) AS version FROM atlas_migration GROUP BY domain ORDER BY domain";
  return Object.fromEntries(
    (await database.read({ sql })).map((row) => {
      const domain = String(row["domain"]);
      const newest = known[domain]?.at(-1)?.version;
      return [domain, { found: Number(row["version"]), ...(newest === undefined ? {} : { known: newest }) }];
    }),
  );
}

async function countOwners(database: Database): Promise<StoreStatus["owners"]> {
  const rows = await database.read({ sql: "SELECT id FROM run_owner" });
  const locked = await Promise.all(rows.map((row) => database.isLocked(String(row["id"]))));
  return { known: rows.length, alive: locked.filter(Boolean).length };
}

async function countQueued(database: Database): Promise<StoreStatus["queues"]> {
  const sql = `SELECT queue, status, count(*) AS count FROM run
    WHERE queue IS NOT NULL AND finished_at IS NULL GROUP BY queue, status ORDER BY queue, status`;
  const queues: Record<string, Record<string, number>> = {};
  for (const row of await database.read({ sql }))
    (queues[String(row["queue"])] ??= {})[String(row["status"])] = Number(row["count"]);
  return queues;
}
