import { afterAll, beforeAll, describe, it } from "vitest";
import { startPglite } from "../../../test/lib/pglite.ts";
import type { PgliteServer } from "../../../test/lib/pglite.ts";
import { databaseContract, registerContract } from "../../testing/index.ts";
import type { DatabaseSubject } from "../../testing/index.ts";
import type { Database } from "../index.ts";
import { postgres } from "./postgres.ts";

let server: PgliteServer;
beforeAll(async () => void (server = await startPglite()), 120_000);
afterAll(async () => await server[Symbol.asyncDispose]());

async function makeSubject(): Promise<DatabaseSubject & AsyncDisposable> {
  const opened: Database[] = [];
  return {
    async open() {
      const database = await postgres({ url: server.url, poolSize: 2 });
      opened.push(database);
      return database;
    },
    async [Symbol.asyncDispose]() {
      for (const database of opened) await database[Symbol.asyncDispose]();
      await server.reset();
    },
  };
}

const oneSession = "PGlite has one session, so its connections share their locks";

describe("postgres keeps the contract of a database on PGlite:", () => {
  registerContract(
    it,
    { cases: databaseContract, make: makeSubject },
    {
      skip: {
        "a lock has one holder until it is given back": oneSession,
        "a lock of a closed database is free": oneSession,
        "a notification reaches the others": "PGlite lets a LISTEN wait for whatever transaction is open",
        "any number may ask at once whether a lock is held": oneSession,
        "a check of a sound store finds no problem": "PGlite runs with fsync off, and the check says so",
        "a backup is of one moment and never overwrites a file": "PGlite runs one transaction at a time",
      },
    },
  );
});
