import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { isAtlasError, seededRandom } from "../base/index.ts";
import type { Migration, SqlValue, Statement } from "../storage/index.ts";
import type { ContractCase } from "./contract.ts";
import { createItems, failsWith, idsOf, insert, openItems, plain } from "./database-subject.ts";
import type { DatabaseSubject } from "./database-subject.ts";
import { storedValues } from "./stored-values-contract.ts";

/** Holds what every adapter of the `Database` port must keep. The SQL is what both dialects understand. */
export const databaseContract: readonly ContractCase<DatabaseSubject>[] = [
  { name: "a resolved write is read by everyone", run: readsOwnWrites },
  { name: "values come back as they went in", run: roundTrips },
  { name: "each statement tells what it changed and returned", run: tellsChanges },
  { name: "a failed write leaves nothing behind", run: isAtomic },
  { name: "a failed write does not harm its neighbours in the same commit", run: failsAlone },
  { name: "writes commit in the order in which they were given", run: keepsOrder },
  { name: "a write that meets another number of rows is a write_conflict", run: keepsExpectations },
  { name: "a row that must be unique and is there already is a write_conflict", run: keepsUniqueness },
  { name: "a statement that makes no sense is database_failed", run: refusesNonsense },
  { name: "concurrent compare-and-set loses no update", run: losesNoUpdate },
  { name: "migrations run once, in order", run: migratesOnce },
  { name: "a migration that fails leaves nothing behind", run: migratesWhole },
  { name: "a newer schema is database_too_new", run: refusesNewer },
  { name: "a lock has one holder until it is given back", run: locksOnce },
  { name: "a lock of a closed database is free", run: freesLocks },
  { name: "any number may ask at once whether a lock is held", run: asksForLocks },
  { name: "a value that cannot be stored fails its own write alone", run: refusesOddValues },
  { name: "a notification reaches the others", run: notifiesOthers },
  { name: "an aborted read rejects with the reason", run: abortsReads },
  { name: "a closed database is database_closed", run: closes },
  { name: "closing waits for the writes that were given", run: flushesAtClose },
  { name: "a check of a sound store finds no problem", run: checks },
  ...storedValues,
];

async function readsOwnWrites(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const other = await subject.open();
  for (let id = 1; id <= 20; id++) {
    await database.write([insert(id)]);
    assert.equal((await idsOf(database)).length, id);
    assert.equal((await idsOf(other)).length, id);
  }
}

async function roundTrips(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  await database.write([
    { sql: "CREATE TABLE kinds(id INTEGER PRIMARY KEY, i BIGINT, r DOUBLE PRECISION, t TEXT, b BLOB)" },
  ]);
  const rows: readonly (readonly SqlValue[])[] = [
    [1, 9_007_199_254_740_991, 0.1, "text", new Uint8Array([0, 255, 7])],
    [2, -9_007_199_254_740_991, -1e300, "", new Uint8Array()],
    [3, null, null, null, null],
    [4, 0, 2.5, "line\nß 漢字 🙂 ' \" ; --", new Uint8Array(100_000).fill(9)],
  ];
  await database.write(
    rows.map((params) => ({ sql: "INSERT INTO kinds(id, i, r, t, b) VALUES(?, ?, ?, ?, ?)", params })),
  );
  const read = await database.read({ sql: "SELECT id, i, r, t, b FROM kinds ORDER BY id" });
  const found = read.map((row) => [row["id"], row["i"], row["r"], row["t"], row["b"]].map((value) => plain(value)));
  assert.deepEqual(
    found,
    rows.map((row) => row.map((value) => plain(value))),
  );

  const large = 2n ** 62n + 1n;
  await database.write([{ sql: "INSERT INTO kinds(id, i) VALUES(?, ?)", params: [5, large] }]);
  const matching = await database.read({ sql: "SELECT id FROM kinds WHERE i = ?", params: [large] });
  assert.equal(matching.length, 1, "A bigint above 2^53 must keep every digit.");
}

async function tellsChanges(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const results = await database.write([
    insert(1, "a"),
    insert(2, "b"),
    { sql: "UPDATE items SET value = ? WHERE id > ? RETURNING id", params: ["c", 0] },
    { sql: "DELETE FROM items WHERE id = ?", params: [9] },
  ]);
  assert.deepEqual(
    results.map((result) => result.changes),
    [1, 1, 2, 0],
  );
  assert.deepEqual(results[2]?.rows.map((row) => Number(row["id"])).sort(), [1, 2]);
  assert.deepEqual(results[3]?.rows, []);
}

async function isAtomic(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  await database.write([insert(1)]);
  await failsWith("write_conflict", database.write([insert(2), insert(3), insert(1)]));
  assert.deepEqual(await idsOf(database), [1]);
}

async function failsAlone(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  await database.write([insert(0)]);
  const writes = Array.from({ length: 60 }, (_, index) =>
    database.write(index % 3 === 2 ? [insert(100 + index), insert(0)] : [insert(index + 1)]),
  );
  const outcomes = await Promise.allSettled(writes);
  const failed = outcomes.flatMap((outcome, index) => (outcome.status === "rejected" ? [index] : []));
  assert.deepEqual(
    failed,
    Array.from({ length: 20 }, (_, index) => index * 3 + 2),
  );
  const kept = Array.from({ length: 60 }, (_, index) => index).filter((index) => index % 3 !== 2);
  assert.deepEqual(await idsOf(database), [0, ...kept.map((index) => index + 1)]);
}

async function keepsOrder(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  await database.write([{ sql: "CREATE TABLE line(place INTEGER PRIMARY KEY, given INTEGER)" }]);
  const place = "INSERT INTO line(place, given) SELECT coalesce(max(place), 0) + 1, ? FROM line";
  await Promise.all(Array.from({ length: 100 }, (_, index) => database.write([{ sql: place, params: [index + 1] }])));
  const wrong = await database.read({ sql: "SELECT place FROM line WHERE place <> given" });
  assert.deepEqual(wrong, []);
}

async function keepsExpectations(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  await database.write([insert(1, "old")]);
  const set = (from: string, to: string): Statement => ({
    sql: "UPDATE items SET value = ? WHERE id = 1 AND value = ?",
    params: [to, from],
    expectRows: 1,
  });
  await database.write([set("old", "new")]);
  await failsWith("write_conflict", database.write([insert(2), set("old", "newer")]));
  await failsWith("write_conflict", database.write([{ sql: "DELETE FROM items", expectRows: 0 }]));
  assert.deepEqual(await idsOf(database), [1]);
  assert.equal((await database.read({ sql: "SELECT value FROM items" }))[0]?.["value"], "new");
}

async function keepsUniqueness(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, (_, index) => database.write([insert(1, `${index}`)])),
  );
  assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 1);
  await failsWith("write_conflict", database.write([insert(1)]));
}

async function refusesNonsense(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  await failsWith("database_failed", database.write([insert(1), { sql: "INSERT INTO nowhere VALUES(1)" }]));
  await failsWith("database_failed", database.read({ sql: "SELEKT 1" }));
  assert.deepEqual(await idsOf(database), []);
}

/** Lets many writers add to a few counters by compare-and-set, with chance in who, when and through which connection. */
async function losesNoUpdate(subject: DatabaseSubject): Promise<void> {
  const connections = [await openItems(subject), await subject.open()];
  const counters = 3;
  await connections[0]?.write(Array.from({ length: counters }, (_, id) => insert(id, "0")));
  const random = seededRandom(7);
  let added = 0;
  const add = async (): Promise<void> => {
    const database = connections[Math.floor(random.next() * connections.length)];
    const id = Math.floor(random.next() * counters);
    assert(database);
    const [row] = await database.read({ sql: "SELECT value FROM items WHERE id = ?", params: [id] });
    const value = String(row?.["value"]);
    const update = "UPDATE items SET value = ? WHERE id = ? AND value = ?";
    try {
      await database.write([{ sql: update, params: [String(Number(value) + 1), id, value], expectRows: 1 }]);
      added++;
    } catch (error) {
      if (!isAtlasError(error) || error.code !== "write_conflict") throw error;
    }
  };
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 8 }, add));
  const rows = (await connections[0]?.read({ sql: "SELECT value FROM items" })) ?? [];
  assert.equal(
    rows.reduce((sum, row) => sum + Number(row["value"]), 0),
    added,
  );
  assert(added >= 20, "Of the writers of one round, one at least must get through.");
}

const first: Migration = { version: 1, name: "items", statements: [createItems] };
const second: Migration = {
  version: 2,
  name: "first item",
  statements: ["INSERT INTO items(id, value) VALUES(1, 'one')"],
};

async function migratesOnce(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  await database.migrate("shop", [first]);
  await database.migrate("shop", [first, second]);
  const other = await subject.open();
  await Promise.all([other.migrate("shop", [first, second]), database.migrate("shop", [first, second])]);
  await database.migrate("bar", [
    { version: 1, name: "drinks", statements: ["CREATE TABLE drinks(id INTEGER PRIMARY KEY)"] },
  ]);
  assert.deepEqual(await idsOf(other), [1]);
}

async function migratesWhole(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  const broken: Migration = { version: 1, name: "items", statements: [createItems, "INSERT INTO nowhere VALUES(1)"] };
  await assert.rejects(database.migrate("shop", [broken]));
  await database.migrate("shop", [first, second]);
  assert.deepEqual(await idsOf(database), [1]);
}

async function refusesNewer(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  await database.migrate("shop", [first, second]);
  await failsWith("database_too_new", database.migrate("shop", [first]));
  const other = await subject.open();
  await failsWith("database_too_new", other.migrate("shop", [first]));
}

async function asksForLocks(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  const other = await subject.open();
  const ask = (): Promise<boolean[]> =>
    Promise.all([database, other, database, other].map((each) => each.isLocked("held")));
  assert.deepEqual(await ask(), [false, false, false, false]);
  const lock = await database.lock("held");
  assert.deepEqual(await ask(), [true, true, true, true]);
  await lock?.[Symbol.asyncDispose]();
  assert.deepEqual(await ask(), [false, false, false, false]);
  const long = await database.lock("漢字".repeat(60));
  assert.equal(await other.isLocked("漢字".repeat(60)), true);
  assert.equal(await other.isLocked("漢字".repeat(61)), false);
  await long?.[Symbol.asyncDispose]();
}

async function refusesOddValues(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const odd = (() => {}) as unknown as SqlValue;
  const results = await Promise.allSettled([
    database.write([insert(1)]),
    database.write([{ sql: "UPDATE items SET value = ?", params: [odd] }]),
    database.write([{ sql: "INSERT INTO items(id, value) VALUES(?, 'new text')", params: [2] }]),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  await database.write([{ sql: "DELETE FROM items WHERE id = ?", params: [1] }]);
  assert.deepEqual(await idsOf(database), [2]);
}

async function locksOnce(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  const other = await subject.open();
  const lock = await database.lock("run/1");
  assert(lock, "The first to ask gets the lock.");
  assert.equal(lock.name, "run/1");
  assert.equal(await database.lock("run/1"), undefined);
  assert.equal(await other.lock("run/1"), undefined);
  const unrelated = await other.lock("run/2");
  assert(unrelated, "Another name is another lock.");
  await lock[Symbol.asyncDispose]();
  const again = await other.lock("run/1");
  assert(again, "A lock that was given back is free.");
  await lock[Symbol.asyncDispose]();
  assert.equal(await database.lock("run/1"), undefined, "To give a lock back twice does not free the next holder's.");
}

async function freesLocks(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  const other = await subject.open();
  assert(await database.lock("a"));
  await database[Symbol.asyncDispose]();
  assert(await other.lock("a"));
}

async function notifiesOthers(subject: DatabaseSubject): Promise<void> {
  const database = await subject.open();
  const other = await subject.open();
  let calls = 0;
  let heard = Promise.withResolvers<void>();
  const listening = other.listen(() => {
    calls++;
    heard.resolve();
  });
  // It may be called when it begins to hear: others may have told something before. A lock is known where that is so.
  await (await other.lock("hears"))?.[Symbol.asyncDispose]();
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  heard = Promise.withResolvers();
  for (let index = 0; index < 100; index++) database.notify();
  await heard.promise;
  listening[Symbol.dispose]();
  const before = calls;
  database.notify();
  await other.write([{ sql: createItems }]);
  assert.equal(calls, before, "A listener that was disposed of hears nothing.");
}

async function abortsReads(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const reason = new Error("enough");
  await assert.rejects(database.read({ sql: "SELECT 1 AS one" }, { signal: AbortSignal.abort(reason) }), reason);
  const control = new AbortController();
  const endless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n";
  const read = database.read({ sql: endless }, { signal: control.signal });
  control.abort(reason);
  await assert.rejects(read, reason);
  assert.deepEqual(await idsOf(database), []);
}

async function closes(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  await database[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await failsWith("database_closed", database.write([insert(1)]));
  await failsWith("database_closed", database.read({ sql: "SELECT 1 AS one" }));
  await failsWith("database_closed", database.lock("a"));
}

async function flushesAtClose(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  const writes = Array.from({ length: 50 }, (_, id) => database.write([insert(id)]));
  await database[Symbol.asyncDispose]();
  await Promise.all(writes);
  assert.equal((await idsOf(await subject.open())).length, 50);
}

async function checks(subject: DatabaseSubject): Promise<void> {
  const database = await openItems(subject);
  await database.write([insert(1, "x".repeat(10_000))]);
  const found = await database.check();
  assert.deepEqual(found.problems, []);
  assert(found.sizeBytes >= 10_000);
}
