import type { Clock, Random } from "../base/index.ts";
import type { EnginePart } from "./engine-part.ts";
import type { Execution, Outcome } from "./execution.ts";
import type { Journal, StoredRun } from "./journal.ts";
import { accepts, ticketOf } from "./leases.ts";
import type { Leases } from "./leases.ts";
import { runErrors } from "./errors.ts";
import type { Owners } from "./owners.ts";
import { lookMs } from "./owners.ts";
import type { Queue } from "./queue/queue.ts";
import type { AnyWorkflow } from "./run.ts";

/** Is what recovery needs of the engine. */
export interface RecoveryHost {
  readonly owners: Owners;
  readonly leases: Leases;
  readonly journal: Journal;
  queue(): Promise<Queue>;
  readonly clock: Clock;
  readonly options: { readonly random: Random };
  readonly executions: Pick<ReadonlyMap<string, Execution>, "has">;
  readonly workflows: ReadonlyMap<string, AnyWorkflow>;
  takeUp(run: StoredRun): Promise<Execution>;
  isInterrupted(run: StoredRun): Promise<boolean>;
  notify(): void;
  warn(message: string, error: unknown): void;
}

/** Takes over what dead owners left, and what this engine itself had to stop because the store failed. */
export interface Recovery extends EnginePart {
  /** Looks once at all owners, and takes over what dead ones left. */
  look(): Promise<void>;
  /** Is told that another process wrote something: it may be that an owner is dead, and that its runs are to be shared. */
  hinted(): void;
  /** Takes a run up again that stopped here because the store failed; later, and later still when it happens again. */
  again(runId: string): void;
}

/** Runs that are looked at together, and how many of them one survivor takes before it waits a moment: the others take their share. */
const seenAtOnce = 512;
const takenAtOnce = 64;
const momentMs = 50;
const hintGapMs = 100;
const straysEvery = 10;
const againMs = 1_000;
const maxAgainMs = 30_000;

/** Begins to watch the other owners. */
export function createRecovery(host: RecoveryHost): Recovery {
  return new Watch(host);
}

class Watch implements Recovery {
  readonly #host: RecoveryHost;
  readonly #released = new Set<string>();
  readonly #stops = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #looks = 0;
  #joinedAt = -Infinity;
  #looking: Promise<void> | undefined;

  constructor(host: RecoveryHost) {
    this.#host = host;
    this.#timer = setInterval(() => void this.look(), lookMs).unref();
  }

  look(): Promise<void> {
    return this.#once(() => this.#look());
  }

  hinted(): void {
    const now = this.#host.clock.monotonic();
    if (now - this.#joinedAt < hintGapMs) return;
    this.#joinedAt = now;
    void this.#once(async () => void (await this.#takeAll()));
  }

  #once(act: () => Promise<void>): Promise<void> {
    this.#looking ??= act()
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted) this.#host.warn("dead owners not looked for", error);
      })
      .finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  again(runId: string): void {
    const count = this.#stops.get(runId) ?? 0;
    this.#stops.set(runId, count + 1);
    this.#retry(runId, Math.min(maxAgainMs, againMs * 2 ** count)).catch((error: unknown) => {
      if (this.#closing.signal.aborted || isTaken(error)) return;
      this.#host.warn(`${runId} not taken up again yet`, error);
      this.again(runId);
    });
  }

  ended({ runId }: Execution, { status }: Outcome): void {
    if (status !== "stopped") this.#stops.delete(runId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { owners } = this.#host;
    const queue = await this.#host.queue();
    const isThorough = this.#looks++ % straysEvery === 0;
    // What a dead owner had in flight may come to the store after it was released: then it is released anew.
    if (isThorough)
      for (const id of await owners.findStrays((await queue.claimants?.()) ?? [])) this.#released.delete(id);
    const marked = await owners.look();
    if (marked.length === 0) return;
    const fresh = marked.filter((id) => !this.#released.has(id));
    if (fresh.length > 0) this.#host.notify();
    const taken = await this.#takeAll();
    for (const id of fresh) {
      await queue.release(id);
      this.#released.add(id);
    }
    if (taken > 0 || fresh.length > 0 || isThorough) await owners.forget(marked);
  }

  async #takeAll(): Promise<number> {
    let taken = 0;
    while (!this.#closing.signal.aborted) {
      const count = await takeSome(this.#host);
      taken += count;
      if (count < takenAtOnce) break;
      await this.#host.clock.sleep(momentMs, { signal: this.#closing.signal, keepAlive: false });
    }
    if (taken > 0) this.#host.notify();
    return taken;
  }

  async #retry(runId: string, delayMs: number): Promise<void> {
    const { clock, journal } = this.#host;
    await clock.sleep(delayMs, { signal: this.#closing.signal, keepAlive: false });
    const run = await journal.load(runId);
    if (!run || run.paused || run.owner !== undefined) return;
    if (run.status === "queued") await (await this.#host.queue()).offer([ticketOf(run)]);
    else if (await this.#host.isInterrupted(run)) await this.#host.takeUp(run);
  }
}

/** Takes a handful of what dead owners left, chosen by chance, so that survivors seldom want the same; gives how many. */
async function takeSome(host: RecoveryHost): Promise<number> {
  const found = await host.leases.orphans([...host.workflows.keys()], seenAtOnce);
  const takeable = found.filter((run) => {
    const workflow = host.workflows.get(run.workflow);
    return workflow !== undefined && accepts(workflow, run.version) && !host.executions.has(run.id);
  });
  const taken = await Promise.all(
    shuffle(takeable, host.options.random)
      .slice(0, takenAtOnce)
      .map((run) => takeOne(host, run)),
  );
  const returned = taken.filter((each) => typeof each === "object");
  if (returned.length > 0) await (await host.queue()).offer(returned.map(ticketOf));
  return taken.filter((each) => each !== undefined).length;
}

/** Gives a run back to its queue, or executes it here; undefined when neither could be. */
async function takeOne(host: RecoveryHost, run: StoredRun): Promise<StoredRun | true | undefined> {
  try {
    if (run.queue !== undefined) return await host.leases.giveBack(run);
    await host.takeUp(run);
    return true;
  } catch (error) {
    if (!isTaken(error)) host.warn(`${run.id} not taken over yet`, error);
    return undefined;
  }
}

function isTaken(error: unknown): boolean {
  return runErrors.is(error, "run_owned") || runErrors.is(error, "run_finished");
}

function shuffle(runs: readonly StoredRun[], random: Random): StoredRun[] {
  const placed = runs.map((run) => ({ run, place: random.next() }));
  return placed.toSorted((a, b) => a.place - b.place).map(({ run }) => run);
}
