export { isPostgresAddress, shownAddress } from "./address.ts";
export { restoreDatabase } from "./backup.ts";
export type { BackupStore, Domains, RestoreOptions, RestoreReport, RestoreTarget } from "./backup.ts";
export { storageErrors } from "./errors.ts";
export { makeFolder } from "./make-folder.ts";
export type {
  BackupOptions,
  BackupReport,
  Database,
  DatabaseCapabilities,
  DatabaseCare,
  DatabaseCheck,
  DatabaseLock,
  Migration,
  Row,
  SqlValue,
  Statement,
  StatementResult,
} from "./database.ts";
