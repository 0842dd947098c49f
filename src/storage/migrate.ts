import type { Database, Migration } from "./database.ts";
import { storageErrors } from "./errors.ts";

/**
 * Brings a domain's schema up to date, each migration in one transaction with the record of its version.
 * Two processes that migrate at once end with each migration done once.
 *
 * Errors: database_too_new when the database knows a version that this program does not.
 */
export async function migrateDatabase(
  database: Database,
  domain: string,
  migrations: readonly Migration[],
): Promise<void> {
  await database.write([
    {
      sql: `CREATE TABLE IF NOT EXISTS atlas_migration(
        domain TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(domain, version))`,
    },
  ]);
  const applied = await appliedVersion(database, domain);
  const newest = migrations.at(-1)?.version ?? 0;
  if (applied > newest) {
    throw storageErrors.create(
      "database_too_new",
      `The database holds version ${applied} of the ${domain} schema; this program knows up to ${newest}. Update Atlas or use another database.`,
      { details: { domain, found: applied, known: newest } },
    );
  }
  for (const migration of migrations) {
    if (migration.version > applied) await apply(database, domain, migration);
  }
}

async function appliedVersion(database: Database, domain: string): Promise<number> {
  const rows = await database.read({
    sql: "SELECT max(version) AS version FROM atlas_migration WHERE domain = ?",
    params: [domain],
  });
  return Number(rows[0]?.["version"] ?? 0);
}

async function apply(database: Database, domain: string, migration: Migration): Promise<void> {
  try {
    await database.write([
      {
        sql: "INSERT INTO atlas_migration(domain, version, name) VALUES(?, ?, ?)",
        params: [domain, migration.version, migration.name],
      },
      ...migration.statements.map((sql) => ({ sql })),
    ]);
  } catch (error) {
    // Another process may have been first: its record makes ours a conflict.
    if (!storageErrors.is(error, "write_conflict") || (await appliedVersion(database, domain)) < migration.version)
      throw error;
  }
}
