import { newId } from "../base/index.ts";
import type { IdSources } from "../base/index.ts";
import type { Database, DatabaseLock } from "../storage/index.ts";

/** Knows which owners of runs are alive. An owner is one engine in one process; it holds a lock as long as it lives. */
export interface Owners extends AsyncDisposable {
  /** Gives this engine's own id; takes its lock when first asked. */
  own(): Promise<string>;
  /** Tells whether `own` was ever asked. */
  readonly claimed: boolean;
  /** Tells whether a living engine other than this one has this owner id. */
  isAliveElsewhere(owner: string | undefined): Promise<boolean>;
}

/** Makes the registry of owners over the database's locks. */
export function createOwners(database: Database, sources: IdSources): Owners {
  let mine: Promise<{ id: string; lock: DatabaseLock | undefined }> | undefined;
  const dead = new Set<string>();

  const claim = async () => {
    const id = newId("own", sources);
    return { id, lock: await database.lock(id) };
  };
  return {
    get claimed() {
      return mine !== undefined;
    },
    async own() {
      mine ??= claim();
      return (await mine).id;
    },
    async isAliveElsewhere(owner) {
      if (owner === undefined || dead.has(owner)) return false;
      if (mine && owner === (await mine).id) return false;
      if (await database.isLocked(owner)) return true;
      dead.add(owner);
      return false;
    },
    async [Symbol.asyncDispose]() {
      await (await mine)?.lock?.[Symbol.asyncDispose]();
    },
  };
}
