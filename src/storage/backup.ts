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

/** Is where a database is, as something to back up and to restore into; nothing is opened yet. */
export interface BackupStore {
  /** Is the path or the address, without its password. */
  readonly address: string;
  /**
   * Writes the portable form, of which either database can be restored, while the store is used. Of a SQLite file only the tables of
   * the domains go in. Errors: backup_failed and those of the database.
   */
  backup(path: string, options: BackupOptions & { readonly domains: Domains }): Promise<BackupReport>;
  /** Opens the store to restore into it. Errors: those of the database. */
  restore(): Promise<RestoreTarget>;
  /** Takes over a copy of a SQLite database as it is; a store that can't has none. Errors: restore_target_not_empty, database_corrupt. */
  adopt?(path: string, signal?: AbortSignal): Promise<RestoreReport>;
}

/** Is what a restore brought back. Units: `createdAt` in milliseconds since the Unix epoch. */
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
  /** Gives the store of a file that is a copy of a SQLite database; without it such copies are refused. */
  readonly copies?: (path: string) => BackupStore;
}

/**
 * Restores a backup into a store that holds no rows, whole or not at all. The schema is made at the version of the backup; the first
 * use brings it up to date.
 *
 * Errors: backup_failed, restore_target_not_empty, database_too_new and those of the database.
 */
export async function restoreDatabase(
  path: string,
  store: BackupStore,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const { readBackup } = await import("./read-backup.ts");
  return await readBackup(path, store, options);
}
