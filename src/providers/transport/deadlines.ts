import type { Clock } from "../../base/index.ts";

/**
 * Bounds the waits of one call. Units: milliseconds. `connectMs` until there is a connection; `firstPartMs` from the start to
 * the first piece of the answer; `idleMs` between pieces; `totalMs` for all of it. Time in which the reader is busy does not count.
 */
export interface Timeouts {
  readonly connectMs: number;
  readonly firstPartMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

/** Are the bounds of a call that names none. */
export const defaultTimeouts: Timeouts = {
  connectMs: 10_000,
  firstPartMs: 180_000,
  idleMs: 120_000,
  totalMs: 3_600_000,
};

/** Replaces bounds for a model of this machine: it answers only after it is loaded and has read the prompt, which can take minutes. */
export const localTimeouts: Pick<Timeouts, "firstPartMs" | "idleMs"> = { firstPartMs: 900_000, idleMs: 300_000 };

/** Names the bound that ran out. `tail` is no failure: what had to come had come. */
export type Expiry = "firstPartMs" | "idleMs" | "totalMs" | "tail";

/** Are the time limits of one call. They run only between `run` and `stop`: while somebody waits for the provider. */
export interface Deadlines extends Disposable {
  run(): void;
  stop(): void;
  /** Says that a piece of the answer came: the idle time starts again. */
  progress(): void;
  /** Says that all that must come has come; what may follow has `ms` milliseconds. */
  enterTail(ms: number): void;
}

/** Makes the time limits of one call. Cost: all calls that go by one clock share one timer, which no part restarts. */
export function createDeadlines(timeouts: Timeouts, clock: Clock, expire: (bound: Expiry) => void): Deadlines {
  return new CallDeadlines(timeouts, timerOf(clock), expire);
}

class CallDeadlines implements Deadlines {
  readonly #timeouts: Timeouts;
  readonly #timer: SharedTimer;
  readonly #expire: (bound: Expiry) => void;
  #bound: Expiry = "firstPartMs";
  #boundMs: number;
  /** How much of the present bound, and of all of the call, was waited before the present wait. */
  #spentMs = 0;
  #totalMs = 0;
  #since: number | undefined;

  constructor(timeouts: Timeouts, timer: SharedTimer, expire: (bound: Expiry) => void) {
    this.#timeouts = timeouts;
    this.#boundMs = timeouts.firstPartMs;
    this.#timer = timer;
    this.#expire = expire;
    timer.watched.add(this);
  }

  /** When the present wait is too long, in the clock's monotonic time; Infinity while nobody waits. */
  get dueAt(): number {
    if (this.#since === undefined) return Number.POSITIVE_INFINITY;
    return this.#since + Math.min(this.#boundMs - this.#spentMs, this.#timeouts.totalMs - this.#totalMs);
  }

  run(): void {
    if (this.#since !== undefined) return;
    this.#since = this.#timer.clock.monotonic();
    this.#timer.need(this.dueAt);
  }

  stop(): void {
    if (this.#since === undefined) return;
    const waitedMs = this.#timer.clock.monotonic() - this.#since;
    this.#since = undefined;
    this.#spentMs += waitedMs;
    this.#totalMs += waitedMs;
  }

  progress(): void {
    this.#enter("idleMs", this.#timeouts.idleMs);
  }

  enterTail(ms: number): void {
    this.#enter("tail", ms);
  }

  ring(): void {
    const total = this.#timeouts.totalMs - this.#totalMs < this.#boundMs - this.#spentMs;
    this.#since = undefined;
    this.#expire(total ? "totalMs" : this.#bound);
  }

  [Symbol.dispose](): void {
    this.#since = undefined;
    this.#timer.leave(this);
  }

  #enter(bound: Expiry, ms: number): void {
    if (this.#bound === "tail") return;
    const waiting = this.#since !== undefined;
    if (waiting) this.stop();
    this.#bound = bound;
    this.#boundMs = ms;
    this.#spentMs = 0;
    if (waiting) this.run();
  }
}

/** Wakes when the first of the calls it watches is due. A later end is met when it wakes and looks again. */
class SharedTimer {
  readonly clock: Clock;
  readonly watched = new Set<CallDeadlines>();
  #wakeAt = Number.POSITIVE_INFINITY;
  #sleep: AbortController | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Sees to it that it is awake at this time or before. */
  need(at: number): void {
    if (at >= this.#wakeAt) return;
    this.#stop();
    const mine = new AbortController();
    this.#sleep = mine;
    this.#wakeAt = at;
    const ms = Math.max(0, Math.ceil(at - this.clock.monotonic()));
    this.clock.sleep(ms, { signal: mine.signal, keepAlive: false }).then(
      () => this.#sleep === mine && this.#wake(),
      () => {},
    );
  }

  leave(call: CallDeadlines): void {
    this.watched.delete(call);
    if (this.watched.size === 0) this.#stop();
  }

  #wake(): void {
    this.#sleep = undefined;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    const now = this.clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.watched) {
      const { dueAt } = call;
      if (dueAt <= now) call.ring();
      else next = Math.min(next, dueAt);
    }
    if (next < Number.POSITIVE_INFINITY) this.need(next);
  }

  #stop(): void {
    this.#sleep?.abort(stopped);
    this.#sleep = undefined;
    this.#wakeAt = Number.POSITIVE_INFINITY;
  }
}

const stopped = "stopped";

const timers = new WeakMap<Clock, SharedTimer>();

function timerOf(clock: Clock): SharedTimer {
  const known = timers.get(clock);
  if (known !== undefined) return known;
  const made = new SharedTimer(clock);
  timers.set(clock, made);
  return made;
}
