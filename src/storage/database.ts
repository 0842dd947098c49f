/** Is a value that a database column can hold. */
export type SqlValue = string | number | bigint | null | Uint8Array;

/** Is one row that was read, by column name. */
export type Row = Readonly<Record<string, SqlValue>>;

/**
 * Is one SQL statement with its parameters.
 *
 * `expectRows` makes a condition of a write: if the statement changes another number of rows, the whole `write` is
 * rolled back and fails with `write_conflict`. It is how fencing and compare-and-set are said in both dialects.
 * The SQL is what both dialects understand: `?` or `?1` for parameters, INTEGER for whole numbers of 64 bits, BLOB for bytes.
 */
export interface Statement {
  readonly sql: string;
  readonly params?: readonly SqlValue[];
  readonly expectRows?: number;
  /**
   * True when the statement may be carried out in any order with the other such statements of the same commit, because the
   * rows that it touches are its own. A database may then carry many of them out as one.
   */
  readonly commutes?: true;
}

/** Is what one statement of a write did; `rows` holds what a RETURNING clause gave. */
export interface StatementResult {
  readonly changes: number;
  readonly rows: readonly Row[];
}

/** Is one step of a schema's history. Statements run in order, in one transaction with the record of the version. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

/** Names the differences between databases, as data. */
export interface DatabaseCapabilities {
  readonly dialect: "sqlite" | "postgres";
  /** Which full-text engine SQL can use here. */
  readonly fullText: "fts5" | "none";
  /** Whether other machines can share it. */
  readonly shared: boolean;
}

/** Is a lock that the operating system or the server takes back when its holder dies. */
export interface DatabaseLock extends AsyncDisposable {
  readonly name: string;
  /** Aborts when the lock was lost with its connection and somebody else has it now; where locks cannot be lost there is none. */
  readonly lost?: AbortSignal;
}

/** Is what a check of the stored data found; `problems` is empty when it is sound. */
export interface DatabaseCheck {
  readonly sizeBytes: number;
  readonly problems: readonly string[];
}

/** Are the options of a backup. `progress` gets the share that is done, from 0 to 1. */
export interface BackupOptions {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: (share: number) => void;
}

/** Is what a backup wrote. */
export interface BackupReport {
  readonly path: string;
  readonly sizeBytes: number;
  readonly tables: Readonly<Record<string, number>>;
}

/** Looks after a store as a whole. */
export interface DatabaseCare {
  /** Reads the whole store and checks its integrity. Cost: reads every page. */
  check(): Promise<DatabaseCheck>;
  /** Writes a consistent copy of the whole store to a new file, while it is used. Errors: backup_failed. */
  backup(path: string, options?: BackupOptions): Promise<BackupReport>;
}

/**
 * Stores rows durably. A `write` is atomic: all of its statements or none. Writes that arrive while a commit is under way
 * share the next commit (group commit), yet fail alone. A resolved write has survived a power cut.
 *
 * Errors: those of the storage table (docs/errors.md).
 */
export interface Database extends DatabaseCare, AsyncDisposable {
  readonly capabilities: DatabaseCapabilities;
  /** Reads rows; sees every write that resolved before. An abort rejects at once; the query may still run to its end. */
  read(statement: Statement, options?: { readonly signal?: AbortSignal | undefined }): Promise<readonly Row[]>;
  /** Order: writes commit in the order in which they were given. */
  write(statements: readonly Statement[]): Promise<readonly StatementResult[]>;
  /** Brings one domain's schema up to date. Errors: database_too_new. */
  migrate(domain: string, migrations: readonly Migration[]): Promise<void>;
  /** Takes a lock without waiting; undefined when someone alive holds it, in this process or another. */
  lock(name: string): Promise<DatabaseLock | undefined>;
  /** Tells whether someone alive holds a lock, here or in another process. Takes nothing, so any number may ask at once. */
  isLocked(name: string): Promise<boolean>;
  /** Tells other processes on this database that something changed. A hint: hints close together become one. */
  notify(): void;
  /** Calls back, soon, after another process called `notify`; also once when it begins to hear, for what was told before. */
  listen(changed: () => void): Disposable;
}
