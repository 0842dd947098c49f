import { newId } from "../base/index.ts";
import type { Clock, Random } from "../base/index.ts";
import type { Database, DatabaseLock } from "../storage/index.ts";

/** Knows which owners of runs are alive. An owner is one engine in one process; it holds a lock as long as it lives. */
export interface Owners extends AsyncDisposable {
  /** Gives this engine's own id; takes its lock when first asked. */
  own(): Promise<string>;
  isAlive(owner: string | undefined): Promise<boolean>;
}

/** Makes the registry of owners over the database's locks. */
export function createOwners(database: Database, clock: Clock, random: Random): Owners {
  let mine: Promise<{ id: string; lock: DatabaseLock | undefined }> | undefined;
  const dead = new Set<string>();

  const claim = async () => {
    const id = newId("own", { clock, random });
    return { id, lock: await database.lock(id) };
  };
  return {
    async own() {
      mine ??= claim();
      return (await mine).id;
    },
    async isAlive(owner) {
      if (owner === undefined || dead.has(owner)) return false;
      if (mine && owner === (await mine).id) return true;
      await using lock = await database.lock(owner);
      if (lock === undefined) return true;
      dead.add(owner);
      return false;
    },
    async [Symbol.asyncDispose]() {
      await (await mine)?.lock?.[Symbol.asyncDispose]();
    },
  };
}
