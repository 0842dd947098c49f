import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startPostgres } from "../../test/lib/postgres.ts";
import type { PostgresServer } from "../../test/lib/postgres.ts";
import { postgresStore } from "./adapters/postgres-backup.ts";
import { postgres } from "./adapters/postgres.ts";
import { sqliteStore } from "./adapters/sqlite-portable.ts";
import { sqlite } from "./adapters/sqlite.ts";
import { isPostgresAddress } from "./index.ts";
import type { BackupStore, Database, Domains, SqlValue } from "./index.ts";
import { restoreDatabase } from "./index.ts";

let server: PostgresServer;
let folder: string;
let count = 0;
beforeAll(async () => void (server = await startPostgres()));
afterAll(async () => await server[Symbol.asyncDispose]());
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "atlas-backup-"))));
afterEach(async () => await rm(folder, { recursive: true }));

const domains: Domains = {
  shop: [
    {
      version: 1,
      name: "items",
      statements: [
        "CREATE TABLE item(id TEXT PRIMARY KEY, n INTEGER, r DOUBLE PRECISION, b BLOB) WITHOUT ROWID",
        "CREATE TABLE item_note(id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL)",
      ],
    },
    { version: 2, name: "more", statements: ["ALTER TABLE item ADD COLUMN more TEXT NOT NULL DEFAULT 'x'"] },
  ],
};
const items: readonly (readonly SqlValue[])[] = [
  ["a", 1, 0.1, new Uint8Array([0, 255]), "line\nß 漢字 🙂 ' \" \\ ; --"],
  ["b", 2n ** 62n + 1n, -1e300, new Uint8Array(), ""],
  ["c", null, null, null, "x".repeat(100_000)],
  ["Z", -(2n ** 63n), 5, null, "\\u0000"],
];

async function open(storage: string): Promise<Database> {
  return isPostgresAddress(storage) ? await postgres({ url: storage }) : await sqlite({ path: storage });
}

const store = (storage: string): BackupStore => (isPostgresAddress(storage) ? postgresStore : sqliteStore)(storage);

const places = {
  sqlite: async () => join(folder, `${++count}.db`),
  postgres: () => server.createDatabase("backup"),
};
const kinds = ["sqlite", "postgres"] as const;

async function fill(storage: string): Promise<void> {
  await using database = await open(storage);
  await database.migrate("shop", domains["shop"] ?? []);
  const insert = "INSERT INTO item(id, n, r, b, more) VALUES(?, ?, ?, ?, ?)";
  await database.write(items.map((params) => ({ sql: insert, params })));
  const notes = Array.from({ length: 1_200 }, (_, index) => ({
    sql: "INSERT INTO item_note(text) VALUES(?)",
    params: [`note ${index}`],
  }));
  await database.write(notes);
}

async function contents(storage: string): Promise<unknown> {
  await using database = await open(storage);
  const rows = await database.read({ sql: "SELECT id, n, r, b, more FROM item ORDER BY id" });
  const notes = await database.read({ sql: "SELECT id, text FROM item_note ORDER BY id" });
  return [rows, notes].map((table) => table.map((row) => ({ ...row })));
}

describe.each(kinds)("a portable backup of %s", (from) => {
  it.each(kinds)("is restored in %s with every value, and goes on from there", async (to) => {
    const [source, target] = [await places[from](), await places[to]()];
    const file = join(folder, "backup.atlas");
    await fill(source);
    const shares: number[] = [];
    const report = await store(source).backup(file, { domains, progress: (share) => void shares.push(share) });
    expect(report).toMatchObject({ path: file, tables: { item: 4, item_note: 1_200 } });
    expect(shares.at(-1)).toBe(1);
    const restored = await restoreDatabase(file, store(target), { domains });
    expect(restored).toMatchObject({ versions: { shop: 2 }, tables: { item: 4, item_note: 1_200 } });
    expect(await contents(target)).toEqual(await contents(source));
    await using database = await open(target);
    await database.migrate("shop", domains["shop"] ?? []);
    await database.write([{ sql: "INSERT INTO item_note(text) VALUES('next')" }]);
    const [last] = await database.read({ sql: "SELECT max(id) AS id FROM item_note" });
    expect(last?.["id"]).toBe(1_201);
  });

  it("is of one moment, whatever is written meanwhile", async () => {
    const storage = await places[from]();
    await fill(storage);
    await using database = await open(storage);
    const more: Promise<unknown>[] = [];
    const report = await store(storage).backup(join(folder, "one"), {
      domains,
      progress: () => void more.push(database.write([{ sql: "INSERT INTO item_note(text) VALUES('late')" }])),
    });
    await Promise.all(more);
    expect(more.length).toBeGreaterThan(0);
    expect(report.tables["item_note"]).toBe(1_200);
    const target = await places.sqlite();
    await restoreDatabase(join(folder, "one"), store(target), { domains });
  });
});

describe("a backup that is not whole", () => {
  async function makeBackup(): Promise<string> {
    const source = await places.sqlite();
    await fill(source);
    const file = join(folder, "whole");
    await store(source).backup(file, { domains });
    return file;
  }
  async function refused(
    bytes: Uint8Array,
    expected: readonly [code: string, message: RegExp],
    to: keyof typeof places = "sqlite",
  ): Promise<void> {
    const file = join(folder, "broken");
    await writeFile(file, bytes);
    const target = await places[to]();
    const error: unknown = await restoreDatabase(file, store(target), { domains }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: expected[0] });
    expect(String(error)).toMatch(expected[1]);
    // Nothing of it stayed: a whole one can be restored in the same place.
    await restoreDatabase(join(folder, "whole"), store(target), { domains });
  }

  it.each(kinds)("is refused and leaves nothing behind in %s when it is cut off", async (to) => {
    const bytes = await readFile(await makeBackup());
    await refused(bytes.subarray(0, bytes.length - 20), ["backup_failed", /cannot be read to its end/], to);
    const lines = gunzipSync(bytes).toString().trimEnd().split("\n");
    await refused(gzipSync(`${lines.slice(0, -1).join("\n")}\n`), ["backup_failed", /cut off/], to);
  });

  it("is refused when a letter of it was changed", async () => {
    const text = gunzipSync(await readFile(await makeBackup())).toString();
    await refused(gzipSync(text.replace("note 7", "note 8")), ["backup_failed", /checksum/]);
    await refused(gzipSync(text.replace('["a"', '{"a"')), ["backup_failed", /no meaning/]);
  });

  it("is refused when it is no backup, or of a newer program", async () => {
    const text = gunzipSync(await readFile(await makeBackup())).toString();
    await refused(Buffer.from("hello"), ["backup_failed", /no backup of Atlas/]);
    await refused(gzipSync("{}\n"), ["backup_failed", /no backup of Atlas/]);
    await refused(Buffer.from("SQLite format 3\0"), ["database_corrupt", /not a database/]);
    await refused(gzipSync(text.replace('"shop":2', '"shop":3')), ["database_too_new", /shop schema/]);
    await expect(
      restoreDatabase(join(folder, "none"), store(await places.sqlite()), { domains }),
    ).rejects.toMatchObject({
      code: "backup_failed",
    });
  });
});

it.each(kinds)("a restore into %s that holds something is refused, and it keeps what it holds", async (to) => {
  const [source, target] = [await places.sqlite(), await places[to]()];
  await fill(source);
  await fill(target);
  const before = await contents(target);
  await store(source).backup(join(folder, "b"), { domains });
  await expect(restoreDatabase(join(folder, "b"), store(target), { domains })).rejects.toMatchObject({
    code: "restore_target_not_empty",
  });
  expect(await contents(target)).toEqual(before);
});

it.each(kinds)("a backup of %s neither overwrites a file nor leaves half of one behind", async (from) => {
  const source = await places[from]();
  await fill(source);
  const file = join(folder, "b");
  await expect(store(source).backup(file, { domains, signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
    "enough",
  );
  await expect(readFile(file)).rejects.toThrow("ENOENT");
  await expect(readFile(`${file}.part`)).rejects.toThrow("ENOENT");
  await store(source).backup(file, { domains });
  await expect(store(source).backup(file, { domains })).rejects.toMatchObject({ code: "backup_failed" });
  await expect(store(source).backup(join(folder, "no", "folder"), { domains })).rejects.toMatchObject({
    code: "backup_failed",
  });
});

it("a SQLite database is copied while it is written to, and the copy is a database of one moment", async () => {
  const source = await places.sqlite();
  await fill(source);
  await using database = await open(source);
  const more = Array.from({ length: 200 }, () =>
    database.write([{ sql: "INSERT INTO item_note(text) VALUES('late')" }]),
  );
  const report = await database.backup(join(folder, "copy.db"));
  await Promise.all(more);
  await using copy = await open(join(folder, "copy.db"));
  expect((await copy.check()).problems).toEqual([]);
  const [row] = await copy.read({ sql: "SELECT count(*) AS count FROM item_note" });
  expect(row?.["count"]).toBe(report.tables["item_note"]);
  await expect(database.backup(join(folder, "copy.db"))).rejects.toMatchObject({ code: "backup_failed" });
});
