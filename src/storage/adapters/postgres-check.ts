import type { DatabaseCheck, Row, Statement } from "../database.ts";

const oldestMajor = 14;

/** Checks what PostgreSQL knows of its own soundness: the version, indexes that are not valid, data that cannot be read. */
export async function checkPostgres(read: (statement: Statement) => Promise<readonly Row[]>): Promise<DatabaseCheck> {
  const problems: string[] = [];
  const [about] = await read({
    sql: `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
      pg_database_size(current_database()) AS size, current_setting('fsync') AS fsync,
      current_setting('full_page_writes') AS pages`,
  });
  if (Number(about?.["major"]) < oldestMajor) {
    problems.push(
      `The server is PostgreSQL ${String(about?.["version"])}; ${oldestMajor} is the oldest that is known to work.`,
    );
  }
  if (about?.["fsync"] !== "on" || about["pages"] !== "on") {
    problems.push(
      "The server runs with fsync or full_page_writes off: a power cut may lose or damage what was stored.",
    );
  }
  const invalid = await read({
    sql: `SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE NOT (i.indisvalid AND i.indisready) AND c.relnamespace = current_schema()::regnamespace ORDER BY 1`,
  });
  for (const row of invalid) problems.push(`The index ${String(row["name"])} is not valid; REINDEX makes it anew.`);
  const tables = await read({
    sql: `SELECT quote_ident(relname) AS name FROM pg_class
      WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 1`,
  });
  for (const row of tables) {
    const name = String(row["name"]);
    try {
      // Every row is read with what lies outside of it.
      await read({ sql: `SELECT count(*) AS rows, sum(length(t::text)) AS bytes FROM ${name} AS t` });
    } catch (cause) {
      problems.push(`The table ${name} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
  return { sizeBytes: Number(about?.["size"] ?? 0), problems };
}
