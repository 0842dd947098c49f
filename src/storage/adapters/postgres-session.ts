import { createHash, randomUUID } from "node:crypto";
import type { DatabaseLock } from "../database.ts";
import { openConnection, pauseBefore, withPatience } from "./postgres-connection.ts";
import type { PostgresConnection, PostgresSurroundings } from "./postgres-connection.ts";

const channel = "atlas_changed";
const minGapMs = 20;

interface HeldLock {
  readonly key: string;
  taken: boolean;
  readonly lost: AbortController;
}

/**
 * Holds the one connection that locks and notifications live on: the server gives locks back when it ends. When it is lost,
 * another is opened, the locks are taken again, and listeners are called once, for they may have missed something.
 */
export class PostgresSession {
  readonly #surroundings: PostgresSurroundings;
  readonly #mine = randomUUID();
  readonly #held = new Map<string, HeldLock>();
  readonly #listeners = new Set<() => void>();
  #opening: Promise<PostgresConnection> | undefined;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #lastNotice = -Infinity;
  #ringing = false;
  /** Whether the connection is open, so that it is told what others tell. */
  #hears = false;

  constructor(surroundings: PostgresSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Takes a lock without waiting; undefined when somebody holds it. Errors: those of the storage table. */
  async lock(name: string): Promise<DatabaseLock | undefined> {
    if (this.#held.has(name)) return undefined;
    const held: HeldLock = { key: lockKey(name), taken: false, lost: new AbortController() };
    this.#held.set(name, held);
    try {
      if (!(await this.#ask("SELECT pg_try_advisory_lock($1) AS is", held.key))) {
        this.#held.delete(name);
        return undefined;
      }
      held.taken = true;
    } catch (cause) {
      this.#held.delete(name);
      throw cause;
    }
    return {
      name,
      lost: held.lost.signal,
      [Symbol.asyncDispose]: async () => {
        if (this.#held.get(name) !== held) return;
        this.#held.delete(name);
        if (!this.#closed) await this.#ask("SELECT pg_advisory_unlock($1) AS is", held.key);
      },
    };
  }

  /** Tells whether somebody holds a lock. Takes nothing. */
  async isLocked(name: string): Promise<boolean> {
    return await this.#ask(
      `SELECT EXISTS(SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = (($1::int8 >> 32) & 4294967295)::oid AND objid = ($1::int8 & 4294967295)::oid) AS is`,
      lockKey(name),
    );
  }

  /** Tells the others, at most every 20 ms. */
  notify(): void {
    if (this.#timer || this.#closed) return;
    const waitMs = Math.max(0, this.#lastNotice + minGapMs - performance.now());
    this.#timer = setTimeout(() => this.#notice(), waitMs).unref();
  }

  /** Calls back after another called `notify`. */
  listen(changed: () => void): Disposable {
    const listener = (): void => changed();
    this.#listeners.add(listener);
    // What others told before this connection heard anything would be lost.
    const hears = this.#hears;
    this.#connected().then(
      () => (hears ? undefined : this.#ring()),
      () => this.#reconnect(),
    );
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Gives all locks back and closes the connection. */
  async close(): Promise<void> {
    const pending = this.#timer !== undefined;
    clearTimeout(this.#timer);
    const connection = await this.#opening?.catch(() => undefined);
    if (pending && connection && !connection.lost) await connection.run([this.#noticeQuery()]).catch(() => {});
    this.#closed = true;
    this.#held.clear();
    this.#listeners.clear();
    await connection?.close();
  }

  #notice(): void {
    this.#timer = undefined;
    this.#lastNotice = performance.now();
    this.#connected()
      .then((connection) => connection.run([this.#noticeQuery()]))
      .catch(() => {});
  }

  #noticeQuery() {
    return { name: "atlas_notify", text: `SELECT pg_notify('${channel}', $1)`, values: [this.#mine] };
  }

  async #ask(text: string, key: string): Promise<boolean> {
    return await withPatience(this.#surroundings, async () => {
      const connection = await this.#connected();
      const [answer] = await connection.run([{ text, values: [key] }]);
      return answer?.rows[0]?.["is"] === 1;
    });
  }

  #connected(): Promise<PostgresConnection> {
    if (this.#opening) return this.#opening;
    const opening = this.#open();
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }

  async #open(): Promise<PostgresConnection> {
    const connection = await openConnection(this.#surroundings, () => void this.#reconnect());
    try {
      connection.client.on("notification", ({ payload }) => {
        if (payload !== this.#mine) this.#ring();
      });
      // A machine that vanished is noticed by the server within some ten seconds.
      const settings = ["tcp_keepalives_idle = 5", "tcp_keepalives_interval = 2", "tcp_keepalives_count = 3"];
      const texts = [...settings.map((setting) => `SET ${setting}`), `LISTEN ${channel}`];
      await connection.run(texts.map((text) => ({ text, values: [] })));
      for (const [name, held] of this.#held) if (held.taken) await this.#retake(connection, name, held);
      this.#hears = true;
      return connection;
    } catch (cause) {
      await connection.close();
      throw cause;
    }
  }

  /** Takes a lock that was held on a lost connection; its holder learns it when another was faster. */
  async #retake(connection: PostgresConnection, name: string, held: HeldLock): Promise<void> {
    const query = { text: "SELECT pg_try_advisory_lock($1) AS is", values: [held.key] };
    const [answer] = await connection.run([query]);
    if (answer?.rows[0]?.["is"] === 1) return;
    this.#held.delete(name);
    held.lost.abort(new Error(`The lock ${name} was lost with its connection.`));
  }

  async #reconnect(): Promise<void> {
    this.#opening = undefined;
    this.#hears = false;
    const { clock } = this.#surroundings;
    for (let attempt = 0; !this.#closed && (this.#held.size > 0 || this.#listeners.size > 0); attempt++) {
      try {
        await this.#connected();
        this.#ring();
        return;
      } catch {
        await clock.sleep(pauseBefore(attempt), { keepAlive: false });
      }
    }
  }

  #ring(): void {
    if (this.#ringing) return;
    this.#ringing = true;
    setImmediate(() => {
      this.#ringing = false;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** Gives the 64 bits that stand for the name of a lock. */
function lockKey(name: string): string {
  return String(createHash("sha256").update(`atlas lock ${name}`).digest().readBigInt64BE());
}
