import type { Engine } from "../engine.ts";
import type { EnginePart } from "../engine-part.ts";
import type { QueueLimits } from "../queues.ts";
import { startLoadMeter } from "./load-meter.ts";
import type { ClaimRequest, Queue, Ticket } from "./queue.ts";
import { WorkerPool } from "./worker-pool.ts";
import type { LoadMeter, PoolState } from "./worker-pool.ts";

/** Takes runs from queues and begins them, as long as the engine is open. */
export interface Dispatcher extends EnginePart {
  /** Tells how many runs the worker has at once now, and why. */
  state(): PoolState;
}

const defaultMaxRuns = 64;
const maxBatch = 64;
/** How long a ticket is held that this program could not begin, such as one of another version: others may want to look at it. */
const refusedMs = 2_000;
/** How many such tickets of one workflow are held before no more are claimed of it. */
const maxRefused = 256;
const failedMs = 1_000;
/** How long what is said of a queue is believed when nobody tells of a change. */
const settingsMs = 1_000;

/** Is a run that this worker has taken; `isWaiting` while its place is given to another. */
interface Taken {
  readonly ticket: Ticket;
  isWaiting: boolean;
}

/** Is what is said of a queue. */
interface QueueSettings {
  readonly isPaused: boolean;
  readonly limits: QueueLimits;
}

/** Names one execution of a run: a run that is tried again is another one. */
interface Named {
  readonly runId: string;
  readonly lease: { readonly epoch: number };
}

/** Makes the dispatcher of an engine's queue and starts it. `meter` measures the load that the pool is sized by. */
export function createDispatcher(engine: Engine, queue: Queue, meter: () => LoadMeter = startLoadMeter): Dispatcher {
  return new QueueDispatcher(engine, queue, meter);
}

/**
 * Claims in batches: as many as there are free places, one queue after the other, so that no queue keeps another waiting. A claim is
 * made only for what has a place, so what comes with a higher priority waits for no more than one batch. A run that waits (for a time,
 * a signal, a decision) gives its place away, and counts for no limit; when it wakes it goes on at once, so for a while there may run
 * more than the pool's size and the limits say: no other begins before they are met again.
 */
class QueueDispatcher implements Dispatcher {
  readonly #engine: Engine;
  readonly #queue: Queue;
  readonly #pool: WorkerPool;
  readonly #taken = new Map<string, Taken>();
  readonly #beginning = new Set<Promise<unknown>>();
  readonly #rung = new Set<string>();
  /** Queues that are paused or at a limit, as it seemed: what is said of them may change. */
  readonly #held = new Set<string>();
  readonly #bell: Disposable;
  readonly #refused = new Map<string, number>();
  #settings = new Map<string, { readonly said: QueueSettings; readonly until: number }>();
  #settled: Ticket[] = [];
  #pumping: Promise<void> | undefined;
  #isClosed = false;

  constructor(engine: Engine, queue: Queue, meter: () => LoadMeter) {
    this.#engine = engine;
    this.#queue = queue;
    const { minRuns = 1, maxRuns = defaultMaxRuns, maxRssMb = Infinity } = engine.worker || {};
    const grown = (): void => this.#pump();
    this.#pool = new WorkerPool({ minRuns, maxRuns, maxRssMb, clock: engine.clock, meter, grown });
    this.#bell = queue.onReady((name) => this.#ring(name));
  }

  state(): PoolState {
    return this.#pool.state();
  }

  hinted(): void {
    // What is just being read may be old already: it is kept where nobody looks any more.
    this.#settings = new Map();
    for (const queue of this.#held) this.#ring(queue);
  }

  waiting(execution: Named, isWaiting: boolean): void {
    const taken = this.#taken.get(keyOf(execution));
    if (taken === undefined || taken.isWaiting === isWaiting) return;
    taken.isWaiting = isWaiting;
    if (!isWaiting) return this.#pool.take(1);
    this.#pool.give(1);
    this.#settle(taken.ticket);
    this.#pump();
  }

  ended(execution: Named): void {
    const key = keyOf(execution);
    const taken = this.#taken.get(key);
    if (taken === undefined) return;
    this.#taken.delete(key);
    if (!taken.isWaiting) this.#pool.give(1);
    this.#settle(taken.ticket);
    this.#pump();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#bell[Symbol.dispose]();
    this.#pool[Symbol.dispose]();
    await this.#pumping;
    // What was claimed last is about to begin: who waits for this wants to see it under way.
    await Promise.allSettled(this.#beginning);
  }

  #ring(queue: string): void {
    const { worker } = this.#engine;
    if (worker && worker.queues !== undefined && !worker.queues.includes(queue)) return;
    this.#rung.add(queue);
    this.#pump();
  }

  #pump(): void {
    if (this.#rung.size === 0 || this.#isClosed || this.#pumping !== undefined) return;
    this.#pumping = this.#claimAll().finally(() => {
      this.#pumping = undefined;
      if (this.#pool.free > 0) this.#pump();
    });
  }

  async #claimAll(): Promise<void> {
    for (const queue of this.#rung) {
      if (this.#isClosed) return;
      if (this.#pool.free === 0) return this.#pool.want();
      this.#rung.delete(queue);
      await this.#claimFrom(queue).catch((error: unknown) => {
        this.#engine.warn(`runs of the queue ${queue} not claimed`, error);
        setTimeout(() => this.#ring(queue), failedMs).unref();
      });
    }
  }

  async #claimFrom(queue: string): Promise<void> {
    const request = await this.#requestOf(queue);
    this.#held.delete(queue);
    if (request === undefined) {
      this.#held.add(queue);
      return;
    }
    const tickets = await this.#queue.claim(request);
    // It goes to the end of the line: the others come first.
    if (tickets.length === request.limit) this.#rung.add(queue);
    else if (request.concurrency + request.perTenant < Infinity) this.#held.add(queue);
    this.#pool.take(tickets.length);
    for (const ticket of tickets) void this.#begin(ticket);
  }

  /** Says what is wanted of a queue now; nothing of one that is paused, or while the program knows no workflow. */
  async #requestOf(queue: string): Promise<ClaimRequest | undefined> {
    const { workflows, owners } = this.#engine;
    const { isPaused, limits } = await this.#settingsOf(queue);
    if (isPaused || workflows.size === 0) return undefined;
    const limited = [...workflows.values()].filter(({ concurrency }) => concurrency !== undefined);
    return {
      queue,
      limit: Math.min(this.#pool.free, maxBatch),
      owner: await owners.own(),
      workflows: [...workflows.keys()].filter((name) => (this.#refused.get(name) ?? 0) < maxRefused),
      concurrency: limits.concurrency ?? Infinity,
      perTenant: limits.perTenant ?? Infinity,
      tenants: limits.tenants ?? {},
      perWorkflow: Object.fromEntries(limited.map(({ name, concurrency = Infinity }) => [name, concurrency])),
    };
  }

  async #settingsOf(queue: string): Promise<QueueSettings> {
    const { clock, options } = this.#engine;
    const settings = this.#settings;
    const kept = settings.get(queue);
    if (kept !== undefined && kept.until > clock.monotonic()) return kept.said;
    const until = clock.monotonic() + settingsMs;
    const sql = "SELECT paused, limits FROM run_queue WHERE name = ?";
    const row = (await options.database.read({ sql, params: [queue] }))[0];
    const limits = row === undefined ? {} : (JSON.parse(String(row["limits"])) as QueueLimits);
    const said = { isPaused: Number(row?.["paused"] ?? 0) === 1, limits };
    settings.set(queue, { said, until });
    return said;
  }

  async #begin(ticket: Ticket): Promise<void> {
    const key = keyOf({ runId: ticket.runId, lease: { epoch: ticket.epoch + 1 } });
    this.#taken.set(key, { ticket, isWaiting: false });
    const begun = this.#engine.claim(ticket);
    this.#beginning.add(begun);
    try {
      // The end of an execution is told by the engine.
      if ((await begun) !== undefined) return;
    } catch (error) {
      this.#engine.warn(`${ticket.runId} not begun`, error);
    } finally {
      this.#beginning.delete(begun);
    }
    this.#taken.delete(key);
    this.#pool.give(1);
    this.#pump();
    this.#refuse(ticket.workflow, 1);
    if (!this.#isClosed) await this.#engine.clock.sleep(refusedMs, { keepAlive: false });
    this.#refuse(ticket.workflow, -1);
    this.#settle(ticket);
  }

  #refuse(workflow: string, by: 1 | -1): void {
    const count = (this.#refused.get(workflow) ?? 0) + by;
    if (count > 0) this.#refused.set(workflow, count);
    else this.#refused.delete(workflow);
  }

  /** Gives tickets back, those of one tick together. */
  #settle(ticket: Ticket): void {
    this.#settled.push(ticket);
    if (this.#settled.length > 1) return;
    setImmediate(() => {
      const tickets = this.#settled;
      this.#settled = [];
      this.#queue.settle(tickets).catch((error: unknown) => this.#engine.warn("tickets not given back", error));
    });
  }
}

function keyOf({ runId, lease }: Named): string {
  return `${runId} ${lease.epoch}`;
}
