import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../database.ts";
import { sqlite } from "./sqlite.ts";

let folder: string;
let path: string;
const open: Database[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atlas-sqlite-"));
  path = join(folder, "atlas.db");
});

afterEach(async () => {
  for (const database of open.splice(0)) await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function opened(options: Partial<Parameters<typeof sqlite>[0]> = {}): Promise<Database> {
  const database = await sqlite({ path, ...options });
  open.push(database);
  return database;
}

async function filled(rows: number): Promise<void> {
  const database = await opened();
  await database.write([{ sql: "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)" }]);
  await Promise.all(
    Array.from({ length: rows }, (_, n) =>
      database.write([{ sql: "INSERT INTO t VALUES(?, ?)", params: [n, "x".repeat(1_000)] }]),
    ),
  );
  await database[Symbol.asyncDispose]();
}

describe("a database file that cannot be used", () => {
  it("is told as damaged when it is no database", async () => {
    writeFileSync(path, "This is a text that somebody put where the database should be. ".repeat(100));
    await expect(sqlite({ path })).rejects.toMatchObject({ code: "database_corrupt", details: { path } });
    expect(readFileSync(path, "utf8")).toContain("somebody");
  });

  it("is told as damaged when it is cut off, and is not touched", async () => {
    await filled(200);
    truncateSync(path, statSync(path).size - 100_000);
    const before = readFileSync(path);
    await expect(sqlite({ path })).rejects.toMatchObject({ code: "database_corrupt" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("is told as damaged when pages in its middle are overwritten", async () => {
    await filled(200);
    const bytes = readFileSync(path);
    bytes.fill(0x55, 8_192 * 3, 8_192 * 6);
    writeFileSync(path, bytes);
    await expect(sqlite({ path })).rejects.toMatchObject({ code: "database_corrupt" });
  });

  it("is told as not to be opened when it is a folder, or its folder cannot be made", async () => {
    await expect(sqlite({ path: folder })).rejects.toMatchObject({ code: "database_open_failed" });
    writeFileSync(join(folder, "file"), "");
    await expect(sqlite({ path: join(folder, "file", "atlas.db") })).rejects.toMatchObject({
      code: "database_open_failed",
    });
  });

  it("is told as busy when another process holds it for longer than the wait", async () => {
    await filled(1);
    const holder = new DatabaseSync(path);
    holder.exec("BEGIN IMMEDIATE");
    await expect(sqlite({ path, busyTimeoutMs: 50 })).rejects.toMatchObject({ code: "database_busy", retry: "later" });
    holder.exec("ROLLBACK");
    holder.close();
    await opened({ busyTimeoutMs: 50 });
  });
});

const canMount = tryMount();

function tryMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), "atlas-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", probe], { stdio: "ignore" });
    execFileSync("umount", [probe], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

// Needs the right to mount a small file system: the only way to a disk that is really full or really read-only.
describe.skipIf(!canMount)("a disk", () => {
  let disk: string;
  beforeEach(() => {
    disk = join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
  });
  afterEach(async () => {
    for (const database of open.splice(0)) await database[Symbol.asyncDispose]();
    execFileSync("umount", [disk]);
  });

  it("that is full fails the write, keeps what was acknowledged and goes on when there is space", async () => {
    const database = await opened({ path: join(disk, "atlas.db") });
    await database.write([{ sql: "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)" }]);
    await database.write([{ sql: "INSERT INTO t VALUES(0, 'kept')" }]);
    const insert = (n: number) =>
      database.write([{ sql: "INSERT INTO t VALUES(?, ?)", params: [n, "x".repeat(200_000)] }]);
    let acknowledged = 0;
    const fill = async (): Promise<void> => {
      for (; acknowledged < 50; acknowledged++) await insert(acknowledged + 1);
    };
    await expect(fill()).rejects.toMatchObject({ code: "database_full" });
    execFileSync("mount", ["-o", "remount,size=16m", disk]);
    await insert(1_000);
    const rows = await database.read({ sql: "SELECT count(*) AS n FROM t" });
    expect(rows[0]?.["n"]).toBe(acknowledged + 2);
    expect((await database.check()).problems).toEqual([]);
  });

  it("that is read-only is told as such", async () => {
    path = join(disk, "atlas.db");
    await filled(3);
    execFileSync("mount", ["-o", "remount,ro", disk]);
    await expect(sqlite({ path })).rejects.toMatchObject({ code: "database_read_only" });
    execFileSync("mount", ["-o", "remount,rw", disk]);
  });
});

describe("locks", () => {
  it("come free when their process is killed", async () => {
    const database = await opened();
    const holder = spawn(process.execPath, [
      "--input-type=module",
      "-e",
      `const { sqlite } = await import(${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)});
       const database = await sqlite({ path: ${JSON.stringify(path)} });
       await database.lock("owner");
       console.log("held");
       setInterval(() => {}, 1000);`,
    ]);
    await new Promise<void>((resolve) => holder.stdout.once("data", () => resolve()));
    expect(await database.lock("owner")).toBeUndefined();
    const exited = new Promise((resolve) => holder.once("exit", resolve));
    holder.kill("SIGKILL");
    await exited;
    const lock = await database.lock("owner");
    expect(lock?.name).toBe("owner");
  });
});

describe("many at once", () => {
  it("keeps all writes of two connections on one file", async () => {
    const [a, b] = [await opened(), await opened()];
    await a.write([{ sql: "CREATE TABLE t(who TEXT, n INTEGER)" }]);
    await Promise.all(
      [a, b].flatMap((database, who) =>
        Array.from({ length: 300 }, (_, n) =>
          database.write([{ sql: "INSERT INTO t VALUES(?, ?)", params: [String(who), n] }]),
        ),
      ),
    );
    const rows = await b.read({ sql: "SELECT who, count(*) AS n FROM t GROUP BY who ORDER BY who" });
    expect(rows).toEqual([
      { who: "0", n: 300 },
      { who: "1", n: 300 },
    ]);
  });

  it("fails only the statement that is wrong when a batch holds many", async () => {
    const database = await opened();
    await database.write([{ sql: "CREATE TABLE t(a INTEGER PRIMARY KEY)" }]);
    const results = await Promise.allSettled([
      ...Array.from({ length: 100 }, (_, n) => database.write([{ sql: "INSERT INTO t VALUES(?)", params: [n] }])),
      database.write([{ sql: "INSERT INTO nowhere VALUES(1)" }]),
      database.write([{ sql: "INSERT INTO t VALUES(200)" }, { sql: "INSERT INTO t VALUES(5)" }]),
    ]);
    expect(results.filter((result) => result.status === "rejected")).toHaveLength(2);
    const rows = await database.read({ sql: "SELECT count(*) AS n FROM t" });
    expect(rows[0]?.["n"]).toBe(100);
  });
});
