import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { RestoreTarget } from "../backup.ts";
import type { BackupOptions, BackupReport, Row, Statement } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import type { Snapshot } from "../write-backup.ts";
import { writeBackup } from "../write-backup.ts";
import { mapError, readRows } from "./sqlite-connection.ts";

const rowsPerPage = 200;

/** Writes the given tables of a SQLite file in the portable form, while it is used. Errors: backup_failed, those of the database. */
export async function backupSqlitePortable(
  storage: string,
  path: string,
  options: BackupOptions & { readonly tables: ReadonlySet<string> },
): Promise<BackupReport> {
  if (!existsSync(storage)) {
    throw storageErrors.create("database_open_failed", `There is no database ${storage}.`, {
      details: { path: storage },
    });
  }
  const db = openFile(storage, true);
  try {
    db.exec("BEGIN");
    return await writeBackup(path, snapshotOf(db, options.tables), options);
  } finally {
    db.close();
  }
}

function snapshotOf(db: DatabaseSync, wanted: ReadonlySet<string>): Snapshot {
  return {
    tables: tableNames(db)
      .filter((name) => wanted.has(name))
      .map((name) => ({
        name,
        columns: readRows(db.prepare("SELECT name FROM pragma_table_info(?)"), [name]).map((row) =>
          String(row["name"]),
        ),
      })),
    read: (sql) => Promise.resolve(readRows(db.prepare(sql), [])),
    async *pages(table) {
      const statement = db.prepare(`SELECT * FROM ${table}`);
      statement.setReadBigInts(true);
      let page: Row[] = [];
      for (const row of statement.iterate()) {
        page.push(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, narrow(value)])));
        if (page.length < rowsPerPage) continue;
        yield page;
        page = [];
      }
      if (page.length > 0) yield page;
    },
  };
}

function narrow<T>(value: T): T | number {
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** Opens a SQLite file, made when missing, to restore a backup into it. Errors: those of the database. */
export async function restoreIntoSqlite(storage: string): Promise<RestoreTarget> {
  makeFolder(dirname(storage));
  const db = openFile(storage, false);
  const mapped = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw mapError(cause, storage);
    }
  };
  try {
    mapped(() => db.exec("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE"));
    const prepared = new Map<string, StatementSync>();
    const prepare = (sql: string): StatementSync => {
      const known = prepared.get(sql) ?? db.prepare(sql);
      prepared.set(sql, known);
      return known;
    };
    const tables = new Set(mapped(() => tableNames(db)));
    return {
      tables,
      read: async (sql) => mapped(() => readRows(db.prepare(sql), [])),
      write: async (statements: readonly Statement[]) =>
        mapped(() => {
          for (const { sql, params = [] } of statements) prepare(sql).run(...params);
        }),
      commit: async () => {
        mapped(() => db.exec("COMMIT"));
        db.close();
      },
      rollback: async () => db.close(),
    };
  } catch (cause) {
    db.close();
    throw cause;
  }
}

function openFile(path: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout: 5_000 });
  } catch (cause) {
    throw mapError(cause, path);
  }
}

/** Full-text indexes and their parts are left out: they are made of the other tables. */
function tableNames(db: DatabaseSync): string[] {
  const sql = `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`;
  return readRows(db.prepare(sql), []).map((row) => String(row["name"]));
}
