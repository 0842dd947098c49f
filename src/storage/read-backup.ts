import { createReadStream } from "node:fs";
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { isAtlasError } from "../base/index.ts";
import type { BackupStore, Domains, RestoreOptions, RestoreReport, RestoreTarget } from "./backup.ts";
import { decodeRow, lineChecksum, readEnd, readHeader, readTable } from "./backup-format.ts";
import type { BackupHeader, BackupTable } from "./backup-format.ts";
import type { Migration, Statement } from "./database.ts";
import { storageErrors } from "./errors.ts";

const rowsPerWrite = 500;
const charactersPerWrite = 16 * 2 ** 20;

/** Does what `restoreDatabase` says. */
export async function readBackup(path: string, store: BackupStore, options: RestoreOptions): Promise<RestoreReport> {
  if (await isSqlite(path)) return await restoreCopy(path, store, options);
  const target = await store.restore();
  try {
    const report = await readLines(path, target, { ...options, address: store.address });
    await target.commit();
    return report;
  } catch (cause) {
    await target.rollback();
    if (options.signal?.aborted) throw options.signal.reason;
    if (isAtlasError(cause) || !(cause instanceof Error)) throw cause;
    throw failed(path, `cannot be read to its end: ${cause.message}`, cause);
  }
}

/** Restores a copy of a SQLite database: as it is, or by way of the portable form. */
async function restoreCopy(path: string, store: BackupStore, options: RestoreOptions): Promise<RestoreReport> {
  if (store.adopt) return await store.adopt(path, options.signal);
  if (!options.copies) throw failed(path, "is a copy of a SQLite database, which cannot be restored here");
  const folder = await mkdtemp(join(tmpdir(), "atlas-restore-"));
  try {
    const portable = join(folder, "portable");
    await options.copies(path).backup(portable, options);
    return { ...(await readBackup(portable, store, options)), path, createdAt: Math.round((await stat(path)).mtimeMs) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Tells a copy of a SQLite database from a portable backup. */
async function isSqlite(path: string): Promise<boolean> {
  try {
    await using file = await open(path, "r");
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    if (buffer.toString("latin1", 0, 15) === "SQLite format 3") return true;
    if (bytesRead < 2 || buffer[0] !== 0x1f || buffer[1] !== 0x8b) throw failed(path, "is no backup of Atlas");
    return false;
  } catch (cause) {
    if (isAtlasError(cause)) throw cause;
    throw failed(path, `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

interface Reading {
  readonly path: string;
  readonly target: RestoreTarget;
  readonly counts: Map<string, number>;
  header: BackupHeader | undefined;
  table: (BackupTable & { readonly sql: string }) | undefined;
  statements: Statement[];
  /** How long the lines of these statements are together. */
  characters: number;
  ended: boolean;
}

async function readLines(
  path: string,
  target: RestoreTarget,
  { domains, signal, address }: RestoreOptions & { readonly address: string },
): Promise<RestoreReport> {
  const reading: Reading = {
    path,
    target,
    counts: new Map(),
    header: undefined,
    table: undefined,
    statements: [],
    characters: 0,
    ended: false,
  };
  const checksum = lineChecksum();
  await pipeline(
    createReadStream(path),
    createGunzip(),
    async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const line of linesOf(chunks)) {
        if (reading.ended) throw failed(path, "goes on after its end");
        const value = parse(path, line);
        const sum = readEnd(value);
        if (sum !== undefined) {
          if (sum !== checksum.sum()) throw failed(path, "is damaged: its checksum is another");
          reading.ended = true;
          continue;
        }
        checksum.add(line);
        reading.characters += line.length;
        if (reading.header) await take(reading, value);
        else {
          reading.header = readHeader(value);
          if (!reading.header) throw failed(path, "is no backup of Atlas that this version can read");
          await prepare(reading.header, target, { domains, address });
        }
      }
    },
    { signal },
  );
  await target.write(reading.statements);
  const { header, ended, counts } = reading;
  if (!header || !ended) throw failed(path, "is cut off: its end is missing");
  for (const [table, count] of Object.entries(header.tables)) {
    if ((counts.get(table) ?? 0) !== count) throw failed(path, `holds another number of rows of ${table} than it says`);
  }
  return { path, createdAt: header.createdAt, versions: header.versions, tables: header.tables };
}

async function take(reading: Reading, value: unknown): Promise<void> {
  const { path, target, counts } = reading;
  const next = readTable(value);
  if (next) {
    const { table, columns } = next;
    const sql = `INSERT INTO ${table}(${columns.join(", ")}) VALUES(${columns.map(() => "?").join(", ")})`;
    reading.table = { ...next, sql };
    return;
  }
  const { table } = reading;
  const params = table && decodeRow(value, table.columns.length);
  if (!params) throw failed(path, "is damaged: a line of it has no meaning");
  counts.set(table.table, (counts.get(table.table) ?? 0) + 1);
  reading.statements.push({ sql: table.sql, params, commutes: true });
  if (reading.statements.length < rowsPerWrite && reading.characters < charactersPerWrite) return;
  await target.write(reading.statements);
  reading.statements = [];
  reading.characters = 0;
}

/** Makes the schema at the version of the backup, and checks that nothing would be mixed with it. */
async function prepare(
  header: BackupHeader,
  target: RestoreTarget,
  { domains, address }: { readonly domains: Domains; readonly address: string },
): Promise<void> {
  const present = target.tables.has("atlas_migration") ? await versionsOf(target) : {};
  for (const table of target.tables) {
    if (table === "atlas_migration" || table === "atlas_commit") continue;
    if ((await target.read(`SELECT 1 AS one FROM ${table} LIMIT 1`)).length === 0) continue;
    throw storageErrors.create(
      "restore_target_not_empty",
      `The database ${address} holds rows in ${table}; a restore would mix them with those of the backup.`,
      { details: { table } },
    );
  }
  if (!target.tables.has("atlas_migration")) await target.write([{ sql: createMigrationTable }]);
  for (const [domain, version] of Object.entries(header.versions)) {
    const migrations = domains[domain] ?? [];
    const known = migrations.at(-1)?.version ?? 0;
    if (version > known) {
      throw storageErrors.create(
        "database_too_new",
        `The backup holds version ${version} of the ${domain} schema; this program knows up to ${known}. Update Atlas.`,
        { details: { domain, found: version, known } },
      );
    }
    const there = present[domain];
    if (there !== undefined && there !== version) {
      throw storageErrors.create(
        "restore_target_not_empty",
        `The database ${address} has version ${there} of the ${domain} schema, the backup ${version}; restore into one that holds nothing.`,
        { details: { domain, found: there, backup: version } },
      );
    }
    if (there === undefined)
      await target.write(
        migrations.filter((each) => each.version <= version).flatMap((each) => statementsOf(domain, each)),
      );
  }
}

const createMigrationTable = `CREATE TABLE atlas_migration(
  domain TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(domain, version))`;

function statementsOf(domain: string, { version, name, statements }: Migration): Statement[] {
  const record = "INSERT INTO atlas_migration(domain, version, name) VALUES(?, ?, ?)";
  return [{ sql: record, params: [domain, version, name] }, ...statements.map((sql) => ({ sql }))];
}

async function versionsOf(target: RestoreTarget): Promise<Record<string, number>> {
  const rows = await target.read("SELECT domain, max(version) AS version FROM atlas_migration GROUP BY domain");
  return Object.fromEntries(rows.map((row) => [String(row["domain"]), Number(row["version"])]));
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  for await (const chunk of chunks) {
    const [first = "", ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    rest.push(first);
    for (const other of others) {
      yield rest.join("");
      rest = [other];
    }
  }
  const last = rest.join("");
  if (last !== "") yield last;
}

function parse(path: string, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw failed(path, "is damaged: a line of it has no meaning", cause);
  }
}

function failed(path: string, what: string, cause?: unknown): Error {
  return storageErrors.create("backup_failed", `The backup ${path} ${what}.`, { details: { path }, cause });
}
