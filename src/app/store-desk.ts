import type { BackupReport, DatabaseCheck, RestoreReport } from "../storage/index.ts";
import type { LoadedSettings } from "./settings.ts";

/** Is how a store is, without the password of its address. */
export interface StoreStatus {
  readonly storage: string;
  readonly dialect: "sqlite" | "postgres";
  /** False when there is no database yet; then the rest is empty. */
  readonly exists: boolean;
  readonly sizeBytes: number;
  /** Is the version of each schema, with the newest that this program knows, where it is one that it knows of. */
  readonly versions: Readonly<Record<string, { readonly found: number; readonly known?: number }>>;
  readonly tables: Readonly<Record<string, number>>;
  /** Counts the engines that have a row, and those of them that live. */
  readonly owners: { readonly known: number; readonly alive: number };
  /** Counts the unfinished runs of each queue by status. */
  readonly queues: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Are the options of a backup. */
export interface StoreBackupOptions {
  /** Writes the form of which either database can be restored; PostgreSQL has no other. */
  readonly portable?: boolean;
  readonly signal?: AbortSignal;
  readonly progress?: (share: number) => void;
}

/** Looks after the store that the settings name, whether or not it is in use. */
export interface StoreDesk {
  status(): Promise<StoreStatus>;
  /** Brings all schemas up to date. Errors: database_too_new, those of the database. */
  migrate(): Promise<StoreStatus>;
  /** Errors: backup_failed, those of the database. */
  backup(path: string, options?: StoreBackupOptions): Promise<BackupReport>;
  /** Errors: backup_failed, restore_target_not_empty, database_too_new, those of the database. */
  restore(path: string, signal?: AbortSignal): Promise<RestoreReport>;
  check(): Promise<DatabaseCheck>;
}

/** Gives the desk of a store. Cost: what does the work is loaded here. */
export async function openStoreDesk(settings: LoadedSettings): Promise<StoreDesk> {
  const { createStoreDesk } = await import("./create-store-desk.ts");
  return createStoreDesk(settings);
}
