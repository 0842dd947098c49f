import type { Clock } from "../base/index.ts";
import type { Database, Row } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import { leaseMs } from "./own-lease.ts";
import type { OwnLease } from "./own-lease.ts";
import type { WorkerRecord } from "./run.ts";

/** Says how often a worker looks at the other owners. Units: milliseconds. */
export const lookMs = 1_000;

/** Knows which owners of runs are alive. An owner is one engine in one process. */
export interface Owners {
  /** Gives the id by which this engine owns runs. Errors: those of storage. */
  own(): Promise<string>;
  /** Tells whether a living engine other than this one has this owner id. */
  isAliveElsewhere(owner: string | undefined): Promise<boolean>;
  /** Tells whether this engine has known for less than 5 s that an owner is dead: others may be taking its runs over. */
  diedJustNow(owner: string): boolean;
  /**
   * Looks at all owners and marks those that have died: whose lock was free at two looks, without a beat between, or whose beat has
   * stood still for 10 s of looks. Gives the ids that are marked. Cost: one query, and 16 locks at most: the others look at others.
   */
  look(): Promise<readonly string[]>;
  /** Marks an owner whose run is taken now, unless it has shown that it lives; tells whether it is dead. */
  bury(owner: string | undefined): Promise<boolean>;
  /**
   * Marks dead owners that have something and no row: unfinished runs, or what `claimants` says. So it is with those of older
   * versions, and with what was written in the name of an owner after it had been forgotten. Gives their ids.
   */
  findStrays(claimants: readonly string[]): Promise<readonly string[]>;
  /** Deletes the rows of these owners where they are dead and own no unfinished run any more. Only whoever has released all that they had may. */
  forget(ids: readonly string[]): Promise<void>;
  /** Lists the engines that execute runs. */
  list(): Promise<readonly WorkerRecord[]>;
}

/** Is what knowing owners is made from. */
export interface OwnersOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly mine: OwnLease;
}

/** Is what was last seen of an owner. Units: `silentMs` counts only time in which this engine itself was awake. */
interface Sight {
  readonly beat: number;
  readonly silentMs: number;
  readonly at: number;
  /** True when its lock was free. */
  readonly isFree: boolean;
}

const locksAtOnce = 16;
const handOverMs = 5_000;

/** Makes the registry of owners. No clock of another machine is read: an observer counts its own time between equal beats. */
export function createOwners(options: OwnersOptions): Owners {
  return new Registry(options);
}

class Registry implements Owners {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #mine: OwnLease;
  /** The owners that are known to be dead, and since when this engine knows it. */
  readonly #dead = new Map<string, number>();
  readonly #freed = new Map<string, number>();
  readonly #asked = new Map<string, Promise<boolean>>();
  #sights: ReadonlyMap<string, Sight> = new Map();

  constructor({ database, clock, mine }: OwnersOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#mine = mine;
  }

  own(): Promise<string> {
    return this.#mine.own();
  }

  async isAliveElsewhere(owner: string | undefined): Promise<boolean> {
    if (owner === undefined || this.#dead.has(owner) || owner === this.#mine.id) return false;
    // Who lists a thousand runs of one owner looks at its lock once.
    const answer = this.#asked.get(owner) ?? this.#isDead(owner).finally(() => this.#asked.delete(owner));
    this.#asked.set(owner, answer);
    return !(await answer);
  }

  diedJustNow(owner: string): boolean {
    const since = this.#dead.get(owner) ?? this.#freed.get(owner);
    return since !== undefined && this.#clock.monotonic() - since < handOverMs;
  }

  async look(): Promise<readonly string[]> {
    const marked: string[] = [];
    const seen: [string, Sight][] = [];
    for (const row of await this.#database.read({ sql: "SELECT id, beat FROM run_owner" })) {
      const id = String(row["id"]);
      const beat = Number(row["beat"]);
      if (id === this.#mine.id) continue;
      if (beat > 0) seen.push([id, this.#sightOf(id, beat)]);
      else {
        this.#bury(id);
        marked.push(id);
      }
    }
    // Suspects first; of the others, those that were silent longest.
    seen.sort(([, a], [, b]) => Number(b.isFree) - Number(a.isFree) || b.silentMs - a.silentMs);
    const looked = seen.map(async ([id, sight], index): Promise<[string, Sight]> => {
      const isFree = index < locksAtOnce && !(await this.#database.isLocked(id));
      const isDead = sight.silentMs >= leaseMs || (isFree && sight.isFree);
      if (isDead && (await this.#mark(id, sight.beat))) marked.push(id);
      return [id, { ...sight, isFree }];
    });
    this.#sights = new Map(await Promise.all(looked));
    return marked;
  }

  async bury(owner: string | undefined): Promise<boolean> {
    if (owner === undefined || owner === this.#mine.id || this.#dead.has(owner)) return true;
    if (await this.#database.isLocked(owner)) return !(await this.isAliveElsewhere(owner));
    const beat = await this.#beatOf(owner);
    return beat === undefined || (await this.#mark(owner, beat));
  }

  async findStrays(claimants: readonly string[]): Promise<readonly string[]> {
    const rows = await this.#database.read({
      sql: `SELECT DISTINCT owner FROM run WHERE owner IS NOT NULL AND finished_at IS NULL
        AND owner NOT IN (SELECT id FROM run_owner)`,
    });
    const known = await this.#database.read({ sql: "SELECT id FROM run_owner" });
    const ids = new Set(known.map((row) => String(row["id"])));
    const nameless = [...rows.map((row) => String(row["owner"])), ...claimants.filter((id) => !ids.has(id))];
    const found: string[] = [];
    for (const id of new Set(nameless)) {
      if (id === this.#mine.id || (await this.#database.isLocked(id))) continue;
      this.#bury(id);
      const sql = `INSERT INTO run_owner(id, name, beat, started_at, seen_at, data) VALUES(?, '', 0, 0, 0, '{}')
        ON CONFLICT(id) DO NOTHING`;
      await this.#database.write([{ sql, params: [id] }]);
      found.push(id);
    }
    return found;
  }

  async forget(ids: readonly string[]): Promise<void> {
    const sql = `DELETE FROM run_owner WHERE id = ? AND beat = 0
      AND NOT EXISTS (SELECT 1 FROM run WHERE run.owner = run_owner.id AND run.finished_at IS NULL)`;
    await this.#database.write(ids.map((id) => ({ sql, params: [id] })));
  }

  async list(): Promise<readonly WorkerRecord[]> {
    const rows = await this.#database.read({ sql: "SELECT * FROM run_owner ORDER BY started_at, id" });
    const records = rows.map(async (row) => {
      const id = String(row["id"]);
      const alive = Number(row["beat"]) > 0 && (id === this.#mine.id || (await this.#database.isLocked(id)));
      return toWorker(row, this.#clock.now(), alive);
    });
    return await Promise.all(records);
  }

  async #isDead(id: string): Promise<boolean> {
    if (!(await this.#database.isLocked(id))) {
      // It may take its lock again, if only its connection was cut.
      if (!this.#freed.has(id)) this.#freed.set(id, this.#clock.monotonic());
      return true;
    }
    this.#freed.delete(id);
    if ((await this.#beatOf(id)) !== 0) return false;
    this.#bury(id);
    return true;
  }

  /** Marks an owner dead, unless it has beaten since; tells whether it is. */
  async #mark(id: string, beat: number): Promise<boolean> {
    try {
      const sql = "UPDATE run_owner SET beat = 0 WHERE id = ? AND beat = ?";
      await this.#database.write([{ sql, params: [id, beat], expectRows: 1 }]);
    } catch (cause) {
      if (!storageErrors.is(cause, "write_conflict")) throw cause;
      if (((await this.#beatOf(id)) ?? 0) > 0) return false;
    }
    this.#bury(id);
    return true;
  }

  #bury(id: string): void {
    if (!this.#dead.has(id)) this.#dead.set(id, this.#freed.get(id) ?? this.#clock.monotonic());
    this.#freed.delete(id);
  }

  async #beatOf(id: string): Promise<number | undefined> {
    const rows = await this.#database.read({ sql: "SELECT beat FROM run_owner WHERE id = ?", params: [id] });
    return rows[0] && Number(rows[0]["beat"]);
  }

  #sightOf(id: string, beat: number): Sight {
    const at = this.#clock.monotonic();
    const last = this.#sights.get(id);
    if (last?.beat !== beat) return { beat, silentMs: 0, at, isFree: false };
    // If this engine was frozen itself, its time away says nothing about the others.
    return { beat, silentMs: last.silentMs + Math.min(at - last.at, 2 * lookMs), at, isFree: last.isFree };
  }
}

function toWorker(row: Row, now: number, alive: boolean): WorkerRecord {
  const data: unknown = JSON.parse(String(row["data"]));
  const said: Readonly<Record<string, unknown>> = { ...(typeof data === "object" ? data : {}) };
  const number = (value: unknown): number => (typeof value === "number" ? value : 0);
  return {
    id: String(row["id"]),
    name: String(row["name"]),
    startedAt: Number(row["started_at"]),
    lastBeatAgoMs: Math.max(0, now - Number(row["seen_at"])),
    alive,
    runs: number(said["runs"]),
    maxRuns: number(said["maxRuns"]),
    queues: Array.isArray(said["queues"]) ? said["queues"].map(String) : [],
  };
}
