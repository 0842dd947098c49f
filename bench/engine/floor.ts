import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { stepsPerRun } from "./subjects.ts";
import type { OpenOptions, Subject } from "./subjects.ts";

/** Opens raw SQLite in this thread, which writes as many rows as a run has entries, by one commit for all that waits or one for each. */
export function open({ folder, synchronous, commit }: OpenOptions): Subject {
  const db = new DatabaseSync(join(folder, "floor.db"));
  db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=${synchronous};
    CREATE TABLE run(id TEXT PRIMARY KEY, status INT, input TEXT, output TEXT, at INT) WITHOUT ROWID;
    CREATE TABLE step(run TEXT, seq INT, name TEXT, output TEXT, at INT, PRIMARY KEY(run, seq)) WITHOUT ROWID;`);
  const begin = db.prepare("INSERT INTO run VALUES(?, 1, ?, NULL, ?)");
  const end = db.prepare("UPDATE run SET status = 2, output = ?, at = ? WHERE id = ?");
  const add = db.prepare("INSERT INTO step VALUES(?, ?, ?, ?, ?)");
  const durable = commit === "group" ? groupCommit(db) : singleCommit;
  let next = 0;
  return {
    async run() {
      const id = `run-${(next++).toString(36).padStart(10, "0")}`;
      await durable(() => begin.run(id, "null", Date.now()));
      for (let index = 0; index < stepsPerRun; index++) {
        const output = JSON.stringify({ index, ok: true });
        await durable(() => add.run(id, index, "step", output, Date.now()));
      }
      await durable(() => end.run('"done"', Date.now(), id));
    },
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
      db.close();
    },
  };
}

type Durable = (write: () => unknown) => Promise<void>;

const singleCommit: Durable = async (write) => {
  await Promise.resolve(write());
};

function groupCommit(db: DatabaseSync): Durable {
  let waiting: (() => unknown)[] = [];
  let acknowledge: (() => void)[] = [];
  const flush = (): void => {
    const batch = waiting;
    const done = acknowledge;
    waiting = [];
    acknowledge = [];
    db.exec("BEGIN");
    for (const write of batch) write();
    db.exec("COMMIT");
    for (const resolve of done) resolve();
  };
  return (write) =>
    new Promise((resolve) => {
      acknowledge.push(resolve);
      if (waiting.push(write) === 1) setImmediate(flush);
    });
}
