import type { Clock, IdSources, JsonObject } from "../base/index.ts";
import { newId, raceAbort } from "../base/index.ts";
import type { Database, DatabaseLock } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import { fencedError } from "./refusals.ts";

const beatMs = 3_000;
/** Says after how long without a change of its beat an owner is taken for dead. Units: milliseconds of the observer's looks. */
export const leaseMs = 10_000;

/** An owner trusts its last acknowledged beat a little shorter than the others wait for the next one. */
const trustMs = leaseMs - 1_000;
const retryMs = 500;

/** Is what an owner's lease is made from. */
export interface OwnLeaseOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly sources: IdSources;
  readonly name: string;
  /** Gives what the owner's row says about it; nothing of the machine it runs on. */
  readonly data: () => JsonObject;
  /** Is told when others took this owner for dead: what it executes is no longer its own. */
  readonly lost: (owner: string) => void;
  /** Is told of beats that could not be written. */
  readonly failed: (error: unknown) => void;
}

/**
 * Is this engine's right to own runs: an id with a lock, which the system drops when the process dies, and a row whose `beat`
 * counts up, which stands still when the process does.
 *
 * Whoever takes an owner for dead first says so in its row, on the condition that the beat is still the one that it saw. So a beat
 * that is acknowledged proves that until then nobody did, and an id that was taken for dead never lives again.
 */
export interface OwnLease extends AsyncDisposable {
  /** The id that runs are owned by now; undefined before `own` was asked and after it was lost. */
  readonly id: string | undefined;
  /** Gives the id to own runs by, a new one when the last was lost. Errors: those of storage. */
  own(): Promise<string>;
  /** Tells, without asking anybody, whether an id is certain to be held: its last beat is fresh. */
  isHeld(owner: string): boolean;
  /** Makes certain that an id is still held: by a beat, for which it waits as long as the database is out of reach. Errors: run_fenced. */
  assertHeld(owner: string, signal: AbortSignal): Promise<void>;
  /** Writes a beat. */
  beat(): Promise<void>;
}

/** Is an id with its lock. Units: ms; `trustedUntil` by the monotonic clock. */
interface Identity {
  readonly id: string;
  readonly lock: DatabaseLock | undefined;
  trustedUntil: number;
}

/** Makes the right of one engine to own runs. Cost: nothing before `own` is asked; then a small write every 3 s. */
export function createOwnLease(options: OwnLeaseOptions): OwnLease {
  return new BeatingLease(options);
}

class BeatingLease implements OwnLease {
  readonly #options: OwnLeaseOptions;
  #identity: Identity | undefined;
  #making: Promise<Identity> | undefined;
  #beating: Promise<void> | undefined;
  #renewing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: OwnLeaseOptions) {
    this.#options = options;
  }

  get id(): string | undefined {
    return this.#identity?.id;
  }

  async own(): Promise<string> {
    // Without the database nobody can tell; what is then done with the id fails by itself.
    if (this.#identity && !this.#isFresh()) await this.beat();
    if (this.#identity) return this.#identity.id;
    this.#making ??= this.#make().finally(() => (this.#making = undefined));
    const identity = await this.#making;
    this.#timer ??= setInterval(() => void this.beat(), beatMs).unref();
    return identity.id;
  }

  isHeld(owner: string): boolean {
    return this.id === owner && this.#isFresh();
  }

  async assertHeld(owner: string, signal: AbortSignal): Promise<void> {
    if (this.id === owner && !this.#isFresh()) {
      this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
      await raceAbort(this.#renewing, signal);
    }
    if (this.id !== owner) throw fencedError(owner);
  }

  beat(): Promise<void> {
    if (!this.#identity || this.#closed) return Promise.resolve();
    // One at a time: a beat that hangs must not be followed by a heap of others.
    this.#beating ??= this.#write(this.#identity).finally(() => (this.#beating = undefined));
    return this.#beating;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#making?.catch(() => {});
    await this.#beating;
    const mine = this.#identity;
    if (!mine) return;
    try {
      const sql = "DELETE FROM run_owner WHERE id = ?";
      await this.#options.database.write([{ sql, params: [mine.id] }]);
    } catch {
      // A row without its lock is a dead owner's; others take it away.
    }
    await mine.lock?.[Symbol.asyncDispose]();
  }

  #isFresh(): boolean {
    return this.#identity !== undefined && this.#options.clock.monotonic() < this.#identity.trustedUntil;
  }

  async #make(): Promise<Identity> {
    const { database, clock, sources, name, data } = this.#options;
    const id = newId("own", sources);
    const sent = clock.monotonic();
    const at = clock.now();
    const sql = "INSERT INTO run_owner(id, name, beat, started_at, seen_at, data) VALUES(?, ?, 1, ?, ?, ?)";
    const row = { sql, params: [id, name, at, at, JSON.stringify(data())] };
    const [lock] = await Promise.all([database.lock(id), database.write([row])]);
    const identity = { id, lock, trustedUntil: sent + trustMs };
    this.#identity = identity;
    lock?.lost?.addEventListener("abort", () => void this.#forsake(identity), { once: true });
    return identity;
  }

  async #write(mine: Identity): Promise<void> {
    const { database, clock, data, failed } = this.#options;
    const sent = clock.monotonic();
    const sql = "UPDATE run_owner SET beat = beat + 1, seen_at = ?, data = ? WHERE id = ? AND beat > 0";
    try {
      await database.write([{ sql, params: [clock.now(), JSON.stringify(data()), mine.id], expectRows: 1 }]);
      mine.trustedUntil = sent + trustMs;
    } catch (cause) {
      if (storageErrors.is(cause, "write_conflict")) await this.#drop(mine);
      else failed(cause);
    }
  }

  /** Without its lock it looks dead to the others: it asks whether they took it for dead. */
  async #forsake(mine: Identity): Promise<void> {
    mine.trustedUntil = -Infinity;
    if (this.#identity === mine) await this.beat();
  }

  async #drop(lost: Identity): Promise<void> {
    this.#identity = undefined;
    this.#options.lost(lost.id);
    await lost.lock?.[Symbol.asyncDispose]();
  }

  async #renew(): Promise<void> {
    while (this.#identity && !this.#isFresh() && !this.#closed) {
      await this.beat();
      if (this.#identity && !this.#isFresh()) await this.#options.clock.sleep(retryMs, { keepAlive: false });
    }
  }
}
