import { once } from "node:events";
import { access, open, rename, rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Gzip } from "node:zlib";
import { createGzip } from "node:zlib";
import { isAtlasError } from "../base/index.ts";
import { encodeRow, lineChecksum } from "./backup-format.ts";
import type { BackupEnd, BackupHeader, BackupTable } from "./backup-format.ts";
import type { BackupOptions, BackupReport, Row } from "./database.ts";
import { storageErrors } from "./errors.ts";

/** Is one consistent view of a store, which nothing that is written meanwhile changes. */
export interface Snapshot {
  /** Names the domains that go in; all of them without it. */
  readonly domains?: readonly string[];
  readonly tables: readonly { readonly name: string; readonly columns: readonly string[] }[];
  read(sql: string): Promise<readonly Row[]>;
  /** Gives all rows of a table, some at a time. */
  pages(table: string): AsyncIterable<readonly Row[]>;
}

/** Writes a snapshot in the portable form to a new file. Errors: backup_failed and those of the database. */
export async function writeBackup(
  path: string,
  snapshot: Snapshot,
  options: BackupOptions = {},
): Promise<BackupReport> {
  return await writeNewFile(path, async (part) => {
    const header: BackupHeader = {
      atlas: "backup",
      format: 1,
      versions: await readVersions(snapshot),
      tables: await countRows(snapshot),
      createdAt: Date.now(),
    };
    // Opened before the first error may come: a file that is still being made would come to be after it was removed.
    const file = await open(part, "wx", 0o600);
    const gzip = createGzip({ level: 3 });
    const written = pipeline(gzip, file.createWriteStream(), { signal: options.signal });
    await Promise.all([written, writeLines(gzip, snapshot, { header, written, options })]);
    return header.tables;
  });
}

interface Lines {
  readonly header: BackupHeader;
  readonly written: Promise<void>;
  readonly options: BackupOptions;
}

async function writeLines(gzip: Gzip, snapshot: Snapshot, { header, written, options }: Lines): Promise<void> {
  const checksum = lineChecksum();
  const total = Object.values(header.tables).reduce((sum, count) => sum + count, 0);
  let done = 0;
  const add = async (lines: readonly string[]): Promise<void> => {
    options.signal?.throwIfAborted();
    for (const line of lines) checksum.add(line);
    if (lines.length > 0 && !gzip.write(`${lines.join("\n")}\n`)) await Promise.race([once(gzip, "drain"), written]);
  };
  try {
    await add([JSON.stringify(header)]);
    for (const { name, columns } of snapshot.tables) {
      await add([JSON.stringify({ table: name, columns } satisfies BackupTable)]);
      for await (const rows of snapshot.pages(name)) {
        await add(rows.map((row) => encodeRow(row, columns)));
        options.progress?.((done += rows.length) / total);
      }
    }
    gzip.end(`${JSON.stringify({ end: { sha256: checksum.sum() } } satisfies BackupEnd)}\n`);
  } catch (cause) {
    gzip.destroy(cause instanceof Error ? cause : undefined);
    throw cause;
  }
}

/**
 * Has a file written under another name, which becomes its own when it is whole and on the disk.
 *
 * Errors: backup_failed when there is a file already, or it can't be written; the signal's reason.
 */
export async function writeNewFile(
  path: string,
  write: (part: string) => Promise<Readonly<Record<string, number>>>,
): Promise<BackupReport> {
  if (
    await access(path).then(
      () => true,
      () => false,
    )
  ) {
    throw storageErrors.create("backup_failed", `There is a file ${path} already; name a new one.`, {
      details: { path },
    });
  }
  const part = `${path}.part`;
  await rm(part, { force: true });
  try {
    const tables = await write(part);
    const file = await open(part, "r+");
    await file.sync();
    await file.close();
    await rename(part, path);
    return { path, sizeBytes: (await stat(path)).size, tables };
  } catch (cause) {
    await rm(part, { force: true });
    if (isAtlasError(cause) || !(cause instanceof Error) || !("code" in cause) || cause.name === "AbortError")
      throw cause;
    throw storageErrors.create("backup_failed", `The backup ${path} could not be written: ${cause.message}.`, {
      details: { path },
      cause,
    });
  }
}

async function readVersions(snapshot: Snapshot): Promise<Record<string, number>> {
  if (!(await snapshot.read("SELECT 1 AS one FROM atlas_migration LIMIT 1").then((rows) => rows.length > 0))) return {};
  const rows = await snapshot.read("SELECT domain, max(version) AS version FROM atlas_migration GROUP BY domain");
  const wanted = rows.filter((row) => snapshot.domains?.includes(String(row["domain"])) ?? true);
  return Object.fromEntries(wanted.map((row) => [String(row["domain"]), Number(row["version"])]));
}

async function countRows(snapshot: Snapshot): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name } of snapshot.tables) {
    const [row] = await snapshot.read(`SELECT count(*) AS count FROM ${name}`);
    counts[name] = Number(row?.["count"] ?? 0);
  }
  return counts;
}
