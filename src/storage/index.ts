export { storageErrors } from "./errors.ts";
export type {
  Database,
  DatabaseCapabilities,
  DatabaseCheck,
  DatabaseLock,
  Migration,
  Row,
  SqlValue,
  Statement,
  StatementResult,
} from "./database.ts";
