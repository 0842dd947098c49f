import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { brokenDatabases, databaseContract, mustFail, registerContract } from "../../testing/index.ts";
import type { DatabaseSubject } from "../../testing/index.ts";
import type { Database } from "../index.ts";
import { sqlite } from "./sqlite.ts";

async function makeSubject(
  wrap: (sound: Database) => Database = (sound) => sound,
): Promise<DatabaseSubject & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-sqlite-"));
  const opened: Database[] = [];
  return {
    async open() {
      const sound = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
      opened.push(sound);
      return wrap(sound);
    },
    async [Symbol.asyncDispose]() {
      for (const database of opened) await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe("sqlite keeps the contract of a database:", () => {
  registerContract(it, { cases: databaseContract, make: () => makeSubject() });
});

describe("the contract of a database notices one that", () => {
  it.each(brokenDatabases)("$name", async ({ wrap, noticedBy }) => {
    await mustFail({ cases: databaseContract, make: () => makeSubject(wrap) }, noticedBy);
  });
});
