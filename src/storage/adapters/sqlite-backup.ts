import { DatabaseSync, backup } from "node:sqlite";
import type { BackupOptions, BackupReport } from "../database.ts";
import { writeNewFile } from "../write-backup.ts";
import { mapError, readRows } from "./sqlite-connection.ts";

const pagesPerStep = 256;

/** Copies a SQLite database, as it is at one moment, to a new file, while it is used. Errors: backup_failed, those of the database. */
export async function backupSqlite(source: string, path: string, options: BackupOptions = {}): Promise<BackupReport> {
  const { signal, progress } = options;
  const db = new DatabaseSync(source, { readOnly: true, timeout: 5_000 });
  try {
    // While this transaction is open the copy is of one moment; a write of another connection would begin it anew.
    db.exec("BEGIN");
    const names = readRows(
      db.prepare(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
      ),
      [],
    );
    const tables = Object.fromEntries(
      names.map((row): [string, number] => {
        const name = String(row["name"]);
        return [name, Number(readRows(db.prepare(`SELECT count(*) AS count FROM "${name}"`), [])[0]?.["count"])];
      }),
    );
    return await writeNewFile(path, async (part) => {
      await backup(db, part, {
        rate: pagesPerStep,
        progress: ({ totalPages, remainingPages }) => {
          signal?.throwIfAborted();
          progress?.(totalPages === 0 ? 1 : 1 - remainingPages / totalPages);
        },
      });
      signal?.throwIfAborted();
      return tables;
    });
  } catch (cause) {
    throw signal?.aborted ? signal.reason : mapError(cause, source);
  } finally {
    db.close();
  }
}
