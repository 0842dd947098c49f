import { isPostgresAddress } from "./address.ts";
import type { BackupOptions, BackupReport, Migration, Row, Statement } from "./database.ts";

/** Holds the schema of each domain that a store may hold. */
export type Domains = Readonly<Record<string, readonly Migration[]>>;

/** Is a store that a backup is being restored into: one transaction, which nobody sees before it is committed. */
export interface RestoreTarget {
  /** Tells which tables are there. */
  readonly tables: ReadonlySet<string>;
  read(sql: string): Promise<readonly Row[]>;
  write(statements: readonly Statement[]): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** Is what a restore brought back. */
export interface RestoreReport {
  readonly path: string;
  readonly createdAt: number;
  readonly versions: Readonly<Record<string, number>>;
  readonly tables: Readonly<Record<string, number>>;
}

/** Are the options of `restoreDatabase`. */
export interface RestoreOptions {
  readonly domains: Domains;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a store in the portable form, of which either database can be restored. A SQLite file is left as it is used; only the
 * tables of the given domains go in.
 *
 * Errors: backup_failed and those of the database.
 */
export async function backupPortable(
  storage: string,
  path: string,
  options: BackupOptions & { readonly domains: Domains },
): Promise<BackupReport> {
  if (isPostgresAddress(storage)) {
    const { postgres } = await import("./adapters/postgres.ts");
    await using database = await postgres({ url: storage });
    return await database.backup(path, options);
  }
  const { backupSqlitePortable } = await import("./adapters/sqlite-portable.ts");
  return await backupSqlitePortable(storage, path, options);
}

/**
 * Restores a portable backup into a store that holds no rows, whole or not at all. The schema is made at the version of the backup;
 * the first use brings it up to date.
 *
 * Errors: backup_failed, restore_target_not_empty, database_too_new and those of the database.
 */
export async function restoreDatabase(path: string, storage: string, options: RestoreOptions): Promise<RestoreReport> {
  const { readBackup } = await import("./read-backup.ts");
  return await readBackup(path, storage, options);
}
