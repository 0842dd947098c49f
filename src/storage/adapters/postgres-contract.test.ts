import { afterAll, beforeAll, describe, it } from "vitest";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { brokenDatabases, databaseContract, mustFail, registerContract } from "../../testing/index.ts";
import type { DatabaseSubject } from "../../testing/index.ts";
import type { Database } from "../index.ts";
import { postgres } from "./postgres.ts";

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgres()));
afterAll(async () => await server[Symbol.asyncDispose]());

async function makeSubject(
  wrap: (sound: Database) => Database = (sound) => sound,
): Promise<DatabaseSubject & AsyncDisposable> {
  const url = await server.createDatabase("contract");
  const opened: Database[] = [];
  return {
    async open() {
      const sound = await postgres({ url, patienceMs: 2_000 });
      opened.push(sound);
      return wrap(sound);
    },
    async [Symbol.asyncDispose]() {
      for (const database of opened) await database[Symbol.asyncDispose]();
    },
  };
}

describe("postgres keeps the contract of a database:", () => {
  registerContract(it, { cases: databaseContract, make: () => makeSubject() });
});

describe("the contract of a database notices one that", () => {
  it.each(brokenDatabases)("$name", async ({ wrap, noticedBy }) => {
    await mustFail({ cases: databaseContract, make: () => makeSubject(wrap) }, noticedBy);
  });
});
