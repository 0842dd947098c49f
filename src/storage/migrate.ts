import type { Database, Migration, Statement } from "./database.ts";
import { storageErrors } from "./errors.ts";

/**
 * Brings a domain's schema up to date, all that it lacks in one transaction with the record of the versions: each commit that a
 * first start makes is one wait for the disk. Two processes that migrate at once end with each migration done once.
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
  const newest = migrations.at(-1)?.version ?? 0;
  for (let applied = await appliedVersion(database, domain); applied !== newest;) {
    if (applied > newest) {
      throw storageErrors.create(
        "database_too_new",
        `The database holds version ${applied} of the ${domain} schema; this program knows up to ${newest}. Update Atlas or use another database.`,
        { details: { domain, found: applied, known: newest } },
      );
    }
    const from = applied;
    try {
      await database.write(
        migrations.filter(({ version }) => version > from).flatMap((each) => statementsOf(domain, each)),
      );
      return;
    } catch (error) {
      if (!storageErrors.is(error, "write_conflict")) throw error;
      // Another process may have been first: its record makes ours a conflict.
      applied = await appliedVersion(database, domain);
      if (applied === from) throw error;
    }
  }
}

async function appliedVersion(database: Database, domain: string): Promise<number> {
  const rows = await database.read({
    sql: "SELECT max(version) AS version FROM atlas_migration WHERE domain = ?",
    params: [domain],
  });
  return Number(rows[0]?.["version"] ?? 0);
}

function statementsOf(domain: string, { version, name, statements }: Migration): Statement[] {
  return [
    { sql: "INSERT INTO atlas_migration(domain, version, name) VALUES(?, ?, ?)", params: [domain, version, name] },
    ...statements.map((sql) => ({ sql })),
  ];
}
