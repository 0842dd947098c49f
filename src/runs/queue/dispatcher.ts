import type { Engine, EnginePart } from "../engine.ts";
import type { QueueLimits } from "../queues.ts";
import { startLoadMeter } from "./load-meter.ts";
import type { ClaimRequest, Ticket } from "./queue.ts";
import { WorkerPool } from "./worker-pool.ts";
import type { LoadMeter, PoolState } from "./worker-pool.ts";

/** Takes runs from queues and begins them, as long as the engine is open. */
export interface Dispatcher extends EnginePart {
  state(): PoolState;
  /** Is told that the program knows one more workflow. */
  registered(): void;
  /** Is told that a run waits for a time or a signal, and that it goes on: meanwhile its place is another's. */
  waits(runId: string): void;
  wakes(runId: string): void;
}

const defaultMaxRuns = 64;
const maxBatch = 64;
/** How long a ticket is held that this program could not begin, such as one of another version: others may want to look at it. */
const refusedMs = 2_000;
const netMs = 10_000;
const failedMs = 1_000;

/** Is a run that this worker has taken; `isWaiting` while its place is given to another. */
interface Taken {
  readonly ticket: Ticket;
  isWaiting: boolean;
}

/** Makes the dispatcher of an engine and starts it. `meter` measures the load that the pool is sized by. */
export function createDispatcher(engine: Engine, meter: () => LoadMeter = startLoadMeter): Dispatcher {
  return new QueueDispatcher(engine, meter);
}

/**
 * Claims in batches: as many as there are free places, one queue after the other, so that no queue keeps another waiting. A claim is
 * made only for what has a place, so what comes with a higher priority waits for no more than one batch.
 */
class QueueDispatcher implements Dispatcher {
  readonly #engine: Engine;
  readonly #pool: WorkerPool;
  readonly #taken = new Map<string, Taken>();
  readonly #rung = new Set<string>();
  /** Every queue that was ever rung for: in them may wait what this program comes to know later. */
  readonly #known = new Set<string>();
  readonly #bell: Disposable;
  readonly #net: NodeJS.Timeout;
  #settled: Ticket[] = [];
  #pumping: Promise<void> | undefined;
  #isClosed = false;

  constructor(engine: Engine, meter: () => LoadMeter) {
    this.#engine = engine;
    const { minRuns = 1, maxRuns = defaultMaxRuns, maxRssMb = Infinity } = engine.worker || {};
    const grown = (): void => this.#pump();
    this.#pool = new WorkerPool({ minRuns, maxRuns, maxRssMb, clock: engine.clock, meter, grown });
    this.#bell = engine.queue.onReady((queue) => this.#ring(queue));
    this.#net = setInterval(() => this.#lookAfterAll(), netMs).unref();
  }

  state(): PoolState {
    return this.#pool.state();
  }

  ended({ runId }: { readonly runId: string }): void {
    this.#end(runId);
  }

  registered(): void {
    for (const queue of this.#known) this.#rung.add(queue);
    this.#pump();
  }

  waits(runId: string): void {
    const taken = this.#taken.get(runId);
    if (taken === undefined || taken.isWaiting) return;
    taken.isWaiting = true;
    this.#pool.give(1);
    this.#settle(taken.ticket);
  }

  wakes(runId: string): void {
    const taken = this.#taken.get(runId);
    if (taken?.isWaiting !== true) return;
    taken.isWaiting = false;
    this.#pool.take(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#net);
    this.#bell[Symbol.dispose]();
    this.#pool[Symbol.dispose]();
    await this.#pumping;
  }

  #ring(queue: string): void {
    const { worker } = this.#engine;
    if (worker && worker.queues !== undefined && !worker.queues.includes(queue)) return;
    this.#known.add(queue);
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
    if (request === undefined) return;
    const tickets = await this.#engine.queue.claim(request);
    // It goes to the end of the line: the others come first.
    if (tickets.length === request.limit) this.#rung.add(queue);
    this.#pool.take(tickets.length);
    for (const ticket of tickets) void this.#begin(ticket);
  }

  /** Says what is wanted of a queue now; nothing of one that is paused. */
  async #requestOf(queue: string): Promise<ClaimRequest | undefined> {
    const { workflows, owners, options } = this.#engine;
    const sql = "SELECT paused, limits FROM run_queue WHERE name = ?";
    const row = (await options.database.read({ sql, params: [queue] }))[0];
    if (row?.["paused"] === 1 || workflows.size === 0) return undefined;
    const limits = row === undefined ? {} : (JSON.parse(String(row["limits"])) as QueueLimits);
    return {
      queue,
      limit: Math.min(this.#pool.free, maxBatch),
      owner: await owners.own(),
      workflows: [...workflows.keys()],
      concurrency: limits.concurrency ?? Infinity,
      perTenant: limits.perTenant ?? Infinity,
      tenants: limits.tenants ?? {},
      perWorkflow: Object.fromEntries(
        [...workflows.values()].flatMap(({ name, concurrency }) =>
          concurrency === undefined ? [] : [[name, concurrency]],
        ),
      ),
    };
  }

  async #begin(ticket: Ticket): Promise<void> {
    const { runId } = ticket;
    this.#taken.set(runId, { ticket, isWaiting: false });
    try {
      // The end of an execution is told by the engine.
      if ((await this.#engine.claim(ticket)) !== undefined) return;
    } catch (error) {
      this.#engine.warn(`${runId} not begun`, error);
    }
    this.#taken.delete(runId);
    this.#pool.give(1);
    this.#pump();
    await this.#engine.clock.sleep(refusedMs, { keepAlive: false });
    this.#settle(ticket);
  }

  #end(runId: string): void {
    const taken = this.#taken.get(runId);
    if (taken === undefined) return;
    this.#taken.delete(runId);
    if (!taken.isWaiting) this.#pool.give(1);
    this.#settle(taken.ticket);
    this.#pump();
  }

  /** Gives tickets back, those of one tick together. */
  #settle(ticket: Ticket): void {
    this.#settled.push(ticket);
    if (this.#settled.length > 1) return;
    setImmediate(() => {
      const tickets = this.#settled;
      this.#settled = [];
      this.#engine.queue.settle(tickets).catch((error: unknown) => this.#engine.warn("tickets not given back", error));
    });
  }

  /** Looks at what no hint tells: places that were freed, claims of owners that died before they began what they had claimed. */
  #lookAfterAll(): void {
    this.#releaseDead().catch((error: unknown) => this.#engine.warn("claims of dead workers not released", error));
    this.registered();
  }

  async #releaseDead(): Promise<void> {
    const { options, owners, queue } = this.#engine;
    const sql = "SELECT DISTINCT owner FROM run WHERE owner IS NOT NULL AND finished_at IS NULL AND status = 'queued'";
    for (const row of await options.database.read({ sql })) {
      const owner = String(row["owner"]);
      if (owner !== (await owners.own()) && !(await owners.isAliveElsewhere(owner))) await queue.release(owner);
    }
  }
}
