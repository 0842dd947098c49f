import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../database.ts";
import { sqlite } from "./sqlite.ts";

let folder: string;
let path: string;
let database: Database;
const threads: unknown[] = [];
const count = (thread: unknown): void => void threads.push(thread);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-sqlite-"));
  path = join(folder, "atlas.db");
  threads.length = 0;
  process.on("worker", count);
  database = await sqlite({ path, busyTimeoutMs: 10_000 });
  await database.write([{ sql: "CREATE TABLE t(n INTEGER PRIMARY KEY)" }]);
});

afterEach(async () => {
  await database[Symbol.asyncDispose]();
  process.off("worker", count);
  rmSync(folder, { recursive: true, force: true });
});

const insert = (n: number) => database.write([{ sql: "INSERT INTO t VALUES(?)", params: [n] }]);
const total = async () => (await database.read({ sql: "SELECT count(*) AS n FROM t" }))[0]?.["n"];

describe("the connection that writes", () => {
  it("waits in a thread, not here, while another connection holds the database, and keeps the order of writes", async () => {
    await insert(1);
    const holder = new DatabaseSync(path);
    holder.exec("BEGIN IMMEDIATE");
    const done: number[] = [];
    const started = once(process, "worker");
    const writes = [2, 3, 4].map((n) => insert(n).then(() => done.push(n)));
    await started;
    expect(done).toEqual([]);
    holder.exec("ROLLBACK");
    holder.close();
    await Promise.all(writes);
    expect(done).toEqual([2, 3, 4]);
    expect(await total()).toBe(4);
  });

  it("goes over to a thread when there is work, with every statement that it knows, and loses no write and no lock", async () => {
    const lock = await database.lock("mine");
    await using other = await sqlite({ path });
    expect(await other.lock("mine")).toBeUndefined();
    let written = 0;
    do await insert(written++);
    while (threads.length === 0);
    for (const end = written + 500; written < end; written++) await insert(written);
    await database.write([{ sql: "DELETE FROM t WHERE n = ?", params: [0], expectRows: 1 }]);
    expect(await total()).toBe(written - 1);
    expect(await other.isLocked("mine")).toBe(true);
    expect(await database.lock("mine")).toBeUndefined();
    await lock?.[Symbol.asyncDispose]();
    expect(await other.isLocked("mine")).toBe(false);
  });

  it("lets the event loop turn between commits, however fast its thread answers", async () => {
    await database.check();
    const [callers, each] = [64, 60];
    let longest = 0;
    let settled = 0;
    const turn = (): void => {
      longest = Math.max(longest, settled);
      settled = 0;
      if (left > 0) setImmediate(turn);
    };
    let left = callers * each;
    setImmediate(turn);
    const call = async (from: number): Promise<void> => {
      for (let n = from; n < from + each; n++) {
        await insert(n);
        settled++;
        left--;
      }
    };
    await Promise.all(Array.from({ length: callers }, (_, index) => call(index * each)));
    expect(await total()).toBe(callers * each);
    // Two batches may be under way at once, each with one write of every caller at most.
    expect(longest).toBeLessThanOrEqual(2 * callers);
  });

  it("checks the whole database in a thread", async () => {
    expect((await database.check()).problems).toEqual([]);
    expect(threads).toHaveLength(1);
  });

  it("answers what was asked before it was closed", async () => {
    const writes = [1, 2].map(insert);
    await database[Symbol.asyncDispose]();
    await Promise.all(writes);
    await expect(insert(3)).rejects.toMatchObject({ code: "database_closed" });
  });
});
