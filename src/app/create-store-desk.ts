import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createKnowledge } from "../knowledge/index.ts";
import type { BackupStore, Database } from "../storage/index.ts";
import { isPostgresAddress, restoreDatabase, shownAddress, storageErrors } from "../storage/index.ts";
import type { LoadedSettings } from "./settings.ts";
import type { StoreDesk } from "./store-desk.ts";
import { readStatus, storeDomains } from "./store-status.ts";

/** Does what `openStoreDesk` says. */
export function createStoreDesk(settings: LoadedSettings): StoreDesk {
  const given = settings.values.storage;
  const isServer = isPostgresAddress(given);
  const storage = isServer ? given : resolve(settings.directory, given);
  const exists = (): boolean => isServer || existsSync(storage);
  const open = async (): Promise<Database> => {
    if (!exists()) throw missing(storage);
    return await openAny(storage);
  };
  const desk: StoreDesk = {
    async status() {
      const empty = { storage: shownAddress(storage), dialect: isServer ? "postgres" : "sqlite" } as const;
      if (!exists())
        return {
          ...empty,
          exists: false,
          sizeBytes: 0,
          versions: {},
          tables: {},
          owners: { known: 0, alive: 0 },
          queues: {},
        };
      await using database = await open();
      return { ...empty, exists: true, ...(await readStatus(database, isServer)) };
    },
    async migrate() {
      {
        await using database = await openAny(storage);
        for (const [domain, migrations] of Object.entries(await storeDomains()))
          await database.migrate(domain, migrations);
        // In a cluster the knowledge is in files of its own.
        if (!isServer) await createKnowledge({ database });
      }
      return await desk.status();
    },
    async backup(path, { portable = false, ...options } = {}) {
      if (!exists()) throw missing(storage);
      const target = resolve(settings.directory, path);
      if (portable || isServer)
        return await (await storeOf(storage)).backup(target, { ...options, domains: await storeDomains() });
      await using database = await open();
      return await database.backup(target, options);
    },
    async restore(path, signal) {
      const { sqliteStore } = await import("../storage/adapters/sqlite-portable.ts");
      return await restoreDatabase(resolve(settings.directory, path), await storeOf(storage), {
        domains: await storeDomains(),
        copies: sqliteStore,
        signal,
      });
    },
    async check() {
      await using database = await open();
      return await database.check();
    },
  };
  return desk;
}

function missing(storage: string): Error {
  return storageErrors.create("database_open_failed", `There is no database ${storage} yet; the first run makes it.`, {
    details: { path: storage },
  });
}

async function storeOf(storage: string): Promise<BackupStore> {
  if (isPostgresAddress(storage))
    return (await import("../storage/adapters/postgres-backup.ts")).postgresStore(storage);
  return (await import("../storage/adapters/sqlite-portable.ts")).sqliteStore(storage);
}

async function openAny(storage: string): Promise<Database> {
  if (isPostgresAddress(storage))
    return await (await import("../storage/adapters/postgres.ts")).postgres({ url: storage });
  return await (await import("../storage/adapters/sqlite.ts")).sqlite({ path: storage });
}
