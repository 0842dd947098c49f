import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Statement } from "../storage/index.ts";
import type { ContractCase } from "./contract.ts";
import { failsWith, idsOf, insert, openItems, plain } from "./database-subject.ts";
import type { DatabaseSubject } from "./database-subject.ts";

/** Holds the part of the contract of a database that is about what is stored: values of every kind, merged writes, backups. */
export const storedValues: readonly ContractCase<DatabaseSubject>[] = [
  { name: "equal statements that commute are each carried out once", run: mergesWrites },
  { name: "of commuting statements in one commit the one that conflicts fails alone", run: mergedFailAlone },
  { name: "whole numbers of 64 bits keep every digit", run: keepsDigits },
  { name: "odd characters come back, or their write fails alone", run: keepsCharacters },
  { name: "text is ordered by its bytes", run: ordersText },
  { name: "parameters and numbers take the type of what they stand beside", run: infersTypes },
  { name: "2,000 writes at once are all kept", run: keepsMany },
  { name: "a backup is of one moment and never overwrites a file", run: backsUp },
];

const commuting = (id: number, value = ""): Statement => ({ ...insert(id, value), commutes: true });

async function mergesWrites(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  await database.write([{ sql: "CREATE TABLE others(id INTEGER PRIMARY KEY, n INTEGER, b BLOB)" }]);
  const other = (id: number): Statement => ({
    sql: "INSERT INTO others(id, n, b) VALUES(?1, 7, ?2)",
    params: [id, new Uint8Array([id, 255])],
    commutes: true,
  });
  const add = { sql: "UPDATE items SET value = ? WHERE id = ?", params: ["changed", 3], expectRows: 1 };
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, id) =>
      database.write(id === 3 ? [commuting(id, "x"), other(id), add] : [commuting(id, "x"), other(id)]),
    ),
  );
  assert(results.flat().every(({ changes, rows }) => changes === 1 && rows.length === 0));
  const rows = await database.read({
    sql: "SELECT i.id, value, n, b FROM items i JOIN others o ON o.id = i.id ORDER BY 1",
  });
  assert.deepEqual(
    rows.map((row) => [row["id"], row["value"], row["n"], plain(row["b"])]),
    Array.from({ length: 50 }, (_, id) => [id, id === 3 ? "changed" : "x", 7, [id, 255, 2]]),
  );
}

async function mergedFailAlone(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  await database.write([insert(7, "first")]);
  const outcomes = await Promise.allSettled(Array.from({ length: 40 }, (_, id) => database.write([commuting(id)])));
  assert.deepEqual(
    outcomes.flatMap((outcome, id) => (outcome.status === "rejected" ? [id] : [])),
    [7],
  );
  assert.equal((await idsOf(database)).length, 40);
  await failsWith("write_conflict", database.write([commuting(41), commuting(7)]));
  assert.equal((await idsOf(database)).length, 40, "A write of several is one, merged or not.");
}

async function keepsDigits(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  await database.write([{ sql: "CREATE TABLE numbers(id INTEGER PRIMARY KEY, n INTEGER NOT NULL)" }]);
  const numbers = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, BigInt(Number.MAX_SAFE_INTEGER), 0n, -1n];
  const sql = "INSERT INTO numbers(id, n) VALUES(?, ?)";
  await Promise.all(numbers.map((n, id) => database.write([{ sql, params: [id, n], commutes: true }])));
  const rows = await database.read({ sql: "SELECT n FROM numbers ORDER BY id" });
  assert.deepEqual(
    rows.map((row) => BigInt(row["n"] instanceof Uint8Array ? 0 : (row["n"] ?? 0))),
    numbers,
  );
  const found = await database.read({ sql: "SELECT id FROM numbers WHERE n = ?", params: [2n ** 63n - 1n] });
  assert.equal(found.length, 1);
}

async function keepsCharacters(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const texts = [
    "\\u0000",
    "\\",
    '"',
    "'",
    "{}",
    "\r\n\t",
    "\u2028\uFEFF\u007F",
    "🙂👩‍👩‍👧",
    "\uFFFF",
    "?1 $1 :a",
    "NULL",
    "\u0001",
  ];
  await Promise.all(texts.map((text, id) => database.write([commuting(id, text)])));
  for (const [id, text] of texts.entries()) await database.write([insert(100 + id, text)]);
  const rows = await database.read({ sql: "SELECT value FROM items ORDER BY id" });
  assert.deepEqual(
    rows.map((row) => row["value"]),
    [...texts, ...texts],
  );
  const odd = ["half \uD800 of a pair", "cut \0 off"];
  const outcomes = await Promise.allSettled(
    ["before", ...odd, "after"].map((text, index) => database.write([commuting(200 + index, text)])),
  );
  const kept = await database.read({ sql: "SELECT id, value FROM items WHERE id >= 200 ORDER BY id" });
  assert.deepEqual(
    kept.map((row) => row["id"]),
    outcomes.flatMap((outcome, index) => (outcome.status === "fulfilled" ? [200 + index] : [])),
  );
  assert(outcomes[0]?.status === "fulfilled" && outcomes[3]?.status === "fulfilled", "Neighbours are not harmed.");
  for (const row of kept) {
    const given = ["before", ...odd, "after"][Number(row["id"]) - 200];
    assert.equal(row["value"], given?.toWellFormed(), "What is kept is whole.");
  }
}

async function ordersText(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const words = ["a", "B", "ä", "_", "Z", "z", "1", "🙂", "漢", "a b", "ab", ""];
  await database.write(words.map((word, id) => insert(id, word)));
  const rows = await database.read({ sql: "SELECT value FROM items ORDER BY value" });
  assert.deepEqual(
    rows.map((row) => row["value"]),
    words.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
}

async function infersTypes(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const large = 3_000_000_000;
  const [row] = await database.read({
    sql: "SELECT CASE WHEN ?1 <= ?2 THEN ?2 ELSE ?1 END + 1 AS most, CAST(?2 AS INTEGER) AS whole, sum(n) AS total, count(*) AS rows FROM (SELECT 5 AS n UNION ALL SELECT 6) AS two WHERE n < ?1",
    params: [10, large],
  });
  assert.deepEqual({ ...row }, { most: large + 1, whole: large, total: 11, rows: 2 });
  await database.write([{ sql: "INSERT INTO items(id, value) SELECT ?1, ?2 WHERE ?1 <= ?3", params: [1, "a", large] }]);
  const quoted = await database.read({
    sql: "SELECT value AS \"what?\" FROM items WHERE value <> '?' -- ?\n AND id = ?",
    params: [1],
  });
  assert.deepEqual(
    quoted.map((each) => ({ ...each })),
    [{ "what?": "a" }],
  );
}

async function keepsMany(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const other = await subject.open();
  await Promise.all(
    Array.from({ length: 2_000 }, (_, id) =>
      (id % 2 === 0 ? database : other).write([id % 3 === 0 ? insert(id) : commuting(id)]),
    ),
  );
  const [row] = await database.read({ sql: "SELECT count(*) AS count, sum(id) AS sum FROM items" });
  assert.deepEqual({ ...row }, { count: 2_000, sum: 1_999_000 });
}

async function backsUp(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  await database.migrate("shop", [
    { version: 1, name: "drinks", statements: ["CREATE TABLE drinks(id INTEGER PRIMARY KEY)"] },
  ]);
  await Promise.all(Array.from({ length: 500 }, (_, id) => database.write([insert(id)])));
  const folder = await mkdtemp(join(tmpdir(), "atlas-contract-"));
  try {
    const path = join(folder, "copy");
    const shares: number[] = [];
    const [report] = await Promise.all([
      database.backup(path, { progress: (share) => void shares.push(share) }),
      ...Array.from({ length: 50 }, (_, id) => database.write([insert(1_000 + id)])),
    ]);
    const rows = report.tables["items"] ?? 0;
    assert(rows >= 500 && rows <= 550 && shares.every((share) => share >= 0 && share <= 1));
    assert.equal((await stat(path)).size, report.sizeBytes);
    await failsWith("backup_failed", database.backup(path));
    await failsWith("backup_failed", database.backup(join(folder, "no", "folder")));
    const reason = new Error("enough");
    await assert.rejects(database.backup(join(folder, "other"), { signal: AbortSignal.abort(reason) }), reason);
    await assert.rejects(stat(join(folder, "other")));
  } finally {
    await rm(folder, { recursive: true });
  }
}
