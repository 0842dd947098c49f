import { budgetHistory } from "../providers/index.ts";
import { runHistory } from "../runs/index.ts";
import type { Database, Domains } from "../storage/index.ts";
import type { StoreStatus } from "./store-desk.ts";

/** Gives what a portable backup holds; the knowledge is made anew from the documents. */
export async function storeDomains(): Promise<Domains> {
  const { rewardHistory } = await import("../teams/reward/index.ts");
  const { memoryHistory } = await import("../memory/index.ts");
  const { graphDomains } = await import("../graph/index.ts");
  return {
    runs: await runHistory(),
    budgets: await budgetHistory(),
    rewards: await rewardHistory(),
    memory: await memoryHistory(),
    ...(await graphDomains()),
  };
}

const fileTables = `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`;
const serverTables = `SELECT c.relname AS name FROM pg_class c
  WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname`;

/** Reads how a store is. */
export async function readStatus(
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
  const known = await storeDomains();
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
