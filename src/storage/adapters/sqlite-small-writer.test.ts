import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database, Statement } from "../index.ts";
import { sqlite } from "./sqlite.ts";

let folder: string;
let path: string;
let database: Database;

const open = async (synchronous: "full" | "normal"): Promise<void> => {
  path = join(folder, "atlas.db");
  database = await sqlite({ path, synchronous });
  await database.write([{ sql: "CREATE TABLE items(id INTEGER PRIMARY KEY, value TEXT)" }]);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atlas-small-"));
});

afterEach(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const insert = (id: number, value = "x"): Statement => ({
  sql: "INSERT INTO items(id, value) VALUES(?, ?)",
  params: [id, value],
  commutes: true,
});
const count = async (): Promise<number> =>
  Number((await database.read({ sql: "SELECT count(*) AS n FROM items" }))[0]?.["n"]);

describe.each(["normal", "full"] as const)("small writes with synchronous=%s", (synchronous) => {
  beforeEach(async () => {
    await open(synchronous);
    // With synchronous=full it takes so many that come alone before one is committed in this thread.
    for (let id = 1_001; id <= 1_150; id++) await database.write([insert(id)]);
    await database.write([{ sql: "DELETE FROM items" }]);
    for (let id = 1_001; id <= 1_150; id++) await database.write([insert(id)]);
    await database.write([{ sql: "DELETE FROM items", expectRows: 150 }]);
  });

  it("are kept in order among large ones, and one that conflicts fails alone", async () => {
    const large: Statement = { sql: "UPDATE items SET value = 'large'" };
    await database.write([insert(1)]);
    const outcomes = await Promise.allSettled([
      database.write([insert(2)]),
      database.write([insert(1)]),
      database.write([large]),
      database.write([insert(3)]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    await expect(database.write([insert(3)])).rejects.toMatchObject({ code: "write_conflict" });
    const rows = await database.read({ sql: "SELECT value FROM items ORDER BY id" });
    expect(rows.map(({ value }) => value)).toEqual(["large", "large", "x"]);
  });

  it("wait in the thread, not here, while another connection holds the database", async () => {
    await database.write([insert(1)]);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const written = database.write([insert(2)]);
    // A timer comes while the write waits: this thread is not the one that waits.
    await new Promise((resolve) => setTimeout(resolve, 20));
    other.exec("COMMIT");
    other.close();
    await written;
    expect(await count()).toBe(2);
  });
});

describe("many small writes", () => {
  it("leave the event loop its turns, and the write-ahead log bounded", async () => {
    await open("normal");
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    for (let id = 1; id <= 6_000; id++) await database.write([insert(id, "y".repeat(2_000))]);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
    expect(statSync(`${path}-wal`).size).toBeLessThan(30_000_000);
    expect(await count()).toBe(6_000);
  });
});
