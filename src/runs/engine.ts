import type { Budget, Clock, JsonObject, JsonValue, Random } from "../base/index.ts";
import { newId } from "../base/index.ts";
import type { Database, Statement } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import type { Logger, Telemetry } from "../telemetry/index.ts";
import type { Enqueue } from "./call-host.ts";
import type { EnginePart } from "./engine-part.ts";
import { runErrors } from "./errors.ts";
import type { AnotherAttempt, Execution, ExecutionHost, ExecutionStart, RunFailure } from "./execution.ts";
import { execute } from "./execution.ts";
import { createLiveLogs, followRun } from "./follow.ts";
import { Journal } from "./journal.ts";
import type { Lease, NewRun, StoredRun } from "./journal.ts";
import type { Owners } from "./owners.ts";
import { createOwners } from "./owners.ts";
import { isPoisoned, loadRecorded, nothingRecorded } from "./recorded-steps.ts";
import type { Retention, WorkerOptions } from "./create-runs.ts";
import type { Calendar } from "./tasks/calendar.ts";
import { accepts, Leases } from "./leases.ts";
import type { OwnedRun } from "./leases.ts";
import { createOwnLease } from "./own-lease.ts";
import type { OwnLease } from "./own-lease.ts";
import type { Queue, Ticket } from "./queue/queue.ts";
import type { AnyWorkflow, FollowOptions, RunEvent } from "./run.ts";
import {
  cancelledError,
  closedError,
  fencedError,
  ownedError,
  poisonedError,
  unknownVersion,
  unknownWorkflow,
} from "./refusals.ts";
import { createRunBudgets } from "./run-budgets.ts";
import type { RunBudgets } from "./run-budgets.ts";
import { signalBellOf } from "./signals.ts";
import type { SignalBell } from "./signals.ts";
import { TransientMap } from "./transient-map.ts";
import { createTurns } from "./turns.ts";

/** Is what the engine works with. */
export interface EngineOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly retention: Retention;
  readonly queue: () => Promise<Queue>;
  readonly worker: WorkerOptions | false;
  readonly budget?: ((tenant: string | undefined) => Budget | Promise<Budget>) | undefined;
  readonly calendar?: (() => Promise<Calendar>) | undefined;
}

/** Hints tell at once what other processes wrote; this is how long a lost hint can cost. */
const safetyNetMs = 2_000;
const releaseRetryMs = 1_000;
/** How many new runs begin before the event loop turns. */
const begunATurn = 12;
const pruneEvery = 5_000;

type Place = "here" | "elsewhere" | "queued" | "nowhere";

/** Keeps the executions of this process, and loads what few runs need when one needs it: begins them, takes interrupted ones up, passes cancels on, stops them at the end. */
export class Engine {
  readonly journal: Journal;
  readonly owners: Owners;
  readonly bell: SignalBell;
  readonly executions = new TransientMap<Execution>();
  readonly workflows = new Map<string, AnyWorkflow>();
  readonly clock: Clock;
  readonly #options: EngineOptions;
  readonly #live = createLiveLogs();
  readonly #hints: Disposable;
  #watch: Disposable = { [Symbol.dispose]() {} };
  readonly leases: Leases;
  readonly #lease: OwnLease;
  readonly #host: ExecutionHost;
  readonly #parts: EnginePart[] = [];
  readonly #starting = new TransientMap<Promise<Execution | undefined>>();
  readonly #budgets: RunBudgets;
  readonly #turns = createTurns(begunATurn);
  readonly #endListeners = new Set<(runId: string) => void>();
  #finished = 0;
  #closing: Promise<void> | undefined;

  constructor(options: EngineOptions) {
    const { database, clock, random } = options;
    this.#options = options;
    this.clock = clock;
    this.journal = new Journal(database, clock);
    this.leases = new Leases(database, clock);
    this.#lease = createOwnLease({
      database,
      clock,
      sources: { clock, random },
      name: this.#name,
      data: () => this.#told(),
      lost: (owner) => this.#lost(owner),
      failed: (error) => this.warn("sign of life not written", error),
    });
    this.#budgets = createRunBudgets(this.executions, options.budget);
    this.owners = createOwners({ database, clock, mine: this.#lease });
    this.bell = signalBellOf(database);
    this.#host = {
      ...options,
      journal: this.journal,
      bell: this.bell,
      live: this.#live,
      notify: () => this.notify(),
      callChild: async (parent, call) => (await import("./child-calls.ts")).callChild(this, parent, call),
      held: (by, signal) => (this.#lease.isHeld(by) ? undefined : this.#lease.assertHeld(by, signal)),
      waiting: (execution, isWaiting) => this.#waiting(execution, isWaiting),
      failed: (failure) => this.#anotherAttempt(failure),
    };
    this.#hints = database.listen(() => this.#hinted());
  }

  /** Errors: run_interrupted when the engine is closed. */
  assertOpen(): void {
    if (this.#closing)
      throw runErrors.create("run_interrupted", "Atlas is closed; open it again to start or resume runs.");
  }

  get options(): EngineOptions {
    return this.#options;
  }

  queue(): Promise<Queue> {
    return this.#options.queue();
  }

  /** What this process takes from queues; false when it takes nothing. */
  get worker(): WorkerOptions | false {
    return this.#options.worker;
  }

  /** Lets a part work beside the executions until the engine is closed. */
  attach(part: EnginePart): void {
    this.#parts.push(part);
  }

  /** Calls back when a run has ended, or waits in its queue again: what depends on it may go on. */
  onEnded(listener: (runId: string) => void): Disposable {
    this.#endListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#endListeners.delete(listener) };
  }

  /** Tells that a run has ended. Each place that ends a run calls it once the end is durable. */
  ended(runId: string): void {
    this.#live.refresh((id) => id === runId);
    for (const listener of this.#endListeners) listener(runId);
  }

  get #name(): string {
    return (this.worker && this.worker.name) || `worker-${process.pid}`;
  }

  /** What this engine's row says of it. */
  #told(): JsonObject {
    const { queues = [], maxRuns = 64 } = this.worker || { maxRuns: 0 };
    return { pid: process.pid, runs: this.executions.size, maxRuns, queues: [...queues] };
  }

  /** The others took this process for dead while it stood still: nothing that it executes is its own any more. */
  #lost(owner: string): void {
    this.warn("taken for dead; what was executed here goes on elsewhere", fencedError(owner));
    for (const execution of this.executions.values()) execution.abort(fencedError(owner));
  }

  newRunId(): string {
    return newId("run", this.#options);
  }

  /** Makes followers here look at a log to which somebody else than the run's owner has written, and tells other processes. */
  toldOf(runId: string): void {
    this.#live.refresh((id) => id === runId);
    this.notify();
  }

  /** Tells other processes that something was written. */
  notify(): void {
    this.#options.database.notify();
  }

  /** Tells the parts of this engine, and other processes, that something was written that is no entry of a run's log. */
  changed(): void {
    for (const part of this.#parts) part.hinted?.();
    this.notify();
  }

  follow(runId: string, options: FollowOptions = {}): AsyncGenerator<RunEvent> {
    const source = {
      journal: this.journal,
      live: this.#live,
      clock: this.clock,
      place: (id: string) => this.#placeOfId(id),
    };
    return followRun(source, runId, options);
  }

  /** Makes a run that waits in a queue. */
  readonly enqueue: Enqueue = async (run, place, write) => {
    for (const part of this.#parts) await part.enqueue?.(run, place, write);
  };

  /** Makes a run with its first entry, then executes it. Errors: write_conflict when an unfinished run has the key. */
  async begin(
    run: NewRun,
    workflow: AnyWorkflow,
    write: (creation: readonly Statement[]) => Promise<void>,
  ): Promise<Execution> {
    this.assertOpen();
    const { promise, resolve, reject } = Promise.withResolvers<Execution>();
    promise.catch(() => {});
    this.#starting.set(run.id, promise);
    try {
      const budget = await this.#budgets(run);
      const { rings } = this.bell;
      await write(this.journal.creation(run));
      const turn = this.#turns();
      if (turn !== undefined) await turn;
      const start: ExecutionStart = {
        lease: { runId: run.id, epoch: 1 },
        owner: run.owner ?? "",
        lastSeq: 1,
        parentId: run.parentId,
        tenant: run.tenant,
        attempt: 1,
        budget,
        workflow,
        input: JSON.parse(run.input) as JsonValue,
        recorded: nothingRecorded,
        isNew: this.bell.rings === rings,
        seed: run.options?.seed,
        idempotencyId: run.options?.idempotencyId,
        depth: run.options?.depth,
      };
      const execution = this.#launch(start);
      resolve(execution);
      if (this.#closing) execution.abort(closedError());
      return execution;
    } catch (cause) {
      reject(cause);
      this.#disown({ runId: run.id, epoch: 1 }, run.owner, cause);
      throw cause;
    } finally {
      this.#starting.delete(run.id);
    }
  }

  /** Takes an interrupted run over and goes on with it. Errors: run_owned, workflow_unknown, version_unknown. */
  async takeUp(run: StoredRun): Promise<Execution> {
    const execution = await this.#startOnce(run.id, () => this.#takeUp(run));
    if (!execution) throw ownedError(run.id);
    return execution;
  }

  /** Takes a queued run by its ticket and begins it; undefined when it is not there to be taken any more. */
  async claim(ticket: Ticket): Promise<Execution | undefined> {
    return this.executions.get(ticket.runId) ?? (await this.#startOnce(ticket.runId, () => this.#claim(ticket)));
  }

  async #startOnce(runId: string, start: () => Promise<Execution | undefined>): Promise<Execution | undefined> {
    const begun = this.#starting.get(runId) ?? start();
    this.#starting.set(runId, begun);
    try {
      return await begun;
    } finally {
      if (this.#starting.get(runId) === begun) this.#starting.delete(runId);
    }
  }

  async #claim(ticket: Ticket): Promise<Execution | undefined> {
    this.assertOpen();
    const workflow = this.workflows.get(ticket.workflow);
    if (!workflow) return undefined;
    const by = { owner: await this.owners.own(), name: this.#name };
    const owned = await this.leases.claim(ticket, workflow, by).catch((cause: unknown) => {
      this.#disown({ runId: ticket.runId, epoch: ticket.epoch + 1 }, by.owner, cause);
      throw cause;
    });
    return owned && (await this.#execute(owned, by.owner, workflow));
  }

  async #takeUp(run: StoredRun): Promise<Execution> {
    this.assertOpen();
    const workflow = this.workflows.get(run.workflow);
    if (!workflow) throw unknownWorkflow(run, [...this.workflows.keys()]);
    if (!accepts(workflow, run.version)) throw unknownVersion(run, workflow.version);
    const owner = await this.owners.own();
    if (!(await this.owners.bury(run.owner))) throw ownedError(run.id);
    const lease = await this.journal.takeOver(run, owner).catch((cause: unknown) => {
      this.#disown({ runId: run.id, epoch: run.epoch + 1 }, owner, cause);
      throw storageErrors.is(cause, "write_conflict") ? ownedError(run.id) : cause;
    });
    // The row was read before it was taken: only what the taking itself saw counts.
    const { control, paused, lastSeq } = lease;
    const owned = { run: { ...run, control, paused }, lease, lastSeq };
    return await this.#execute(owned, owner, workflow);
  }

  /** Begins to execute a run that is this engine's. */
  async #execute({ run, lease, lastSeq }: OwnedRun, owner: string, known: AnyWorkflow): Promise<Execution> {
    const { id, parentId, input, tenant, attempt } = run;
    try {
      // A run whose log holds its start and this claim has nothing behind it.
      const recorded = lastSeq <= 2 ? nothingRecorded : await loadRecorded(this.journal, id, run.checkpointSeq);
      const budget = await this.#budgets(run);
      const workflow = isPoisoned(recorded)
        ? { ...known, run: () => Promise.reject(poisonedError(id, recorded.losses)) }
        : known;
      const { paused, options } = run;
      const names = { paused, seed: options.seed, idempotencyId: options.idempotencyId, depth: options.depth };
      const start = { lease, owner, lastSeq, parentId, tenant, attempt, budget, workflow, input, recorded, ...names };
      return this.#stopIfAsked(this.#launch(start), run);
    } catch (error) {
      void this.#letGo(lease, parentId);
      throw error;
    }
  }

  #stopIfAsked(execution: Execution, { id, control }: StoredRun): Execution {
    if (this.#closing) execution.abort(closedError());
    if (control !== undefined) execution.abort(cancelledError(id, control));
    return execution;
  }

  /** Gives the execution of a run in this process, also one that is just being started. */
  async executionOf(runId: string): Promise<Execution | undefined> {
    return this.executions.get(runId) ?? (await this.#starting.get(runId)?.catch(() => undefined));
  }

  /** Tells where a run is executed: in this process, in another, later by whoever takes it from its queue, or nowhere. */
  async placeOf(run: StoredRun | undefined): Promise<Place> {
    if (!run || run.finishedAt !== undefined) return "nowhere";
    if (this.executions.has(run.id) || this.#starting.has(run.id)) return "here";
    if (run.status === "queued" || run.status === "blocked") return "queued";
    return (await this.owners.isAliveElsewhere(run.owner)) ? "elsewhere" : "nowhere";
  }

  /** Tells whether a run is unfinished and no live process executes it. */
  async isInterrupted(run: StoredRun): Promise<boolean> {
    return run.finishedAt === undefined && (await this.placeOf(run)) === "nowhere";
  }

  /** Makes a workflow known. Errors: workflow_duplicate. */
  register(workflow: AnyWorkflow): void {
    const known = this.workflows.get(workflow.name);
    if (known !== undefined && known !== workflow) {
      throw runErrors.create("workflow_duplicate", `There are two workflows named "${workflow.name}".`, {
        details: { workflow: workflow.name },
      });
    }
    this.workflows.set(workflow.name, workflow);
  }

  /** Deletes finished runs that the retention does not keep, and what checkpoints stand for in logs; gives how many runs. */
  async prune(): Promise<number> {
    const isStopped = (): boolean => this.#closing !== undefined;
    const { keepRetention } = await import("./retention.ts");
    return await keepRetention({ ...this.#options, journal: this.journal, isStopped });
  }

  /** Stops every execution; their runs are kept and show as interrupted. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#hints[Symbol.dispose]();
    await Promise.allSettled(this.#parts.map((part) => part[Symbol.asyncDispose]()));
    // What is just being started ends up in the executions, or fails.
    await Promise.allSettled(this.#starting.values());
    const running = [...this.executions.values()];
    for (const execution of running) execution.abort(closedError());
    await Promise.all(running.map((execution) => execution.done));
    try {
      if (this.#lease.id !== undefined) await this.journal.release(this.#lease.id);
    } finally {
      await this.#lease[Symbol.asyncDispose]();
    }
  }

  #launch(begun: ExecutionStart): Execution {
    // What a paused run starts begins paused too.
    const isHeld = this.executions.get(begun.parentId ?? "")?.gate.isClosed ?? false;
    const start = isHeld ? { ...begun, paused: true } : begun;
    if (isHeld && begun.parentId !== undefined)
      this.#pauseChildren(begun.parentId).catch((error: unknown) => this.warn("a child was not paused", error));
    const execution = execute(this.#host, start);
    if (this.#lease.id !== start.owner) execution.abort(fencedError(start.owner));
    if (this.executions.size === 0) this.#watch = this.#watchOthers();
    this.executions.set(execution.runId, execution);
    void this.#afterwards(execution);
    // Whoever followed it in its queue, or in another process, follows it here now.
    this.#live.refresh((id) => id === execution.runId);
    return execution;
  }

  async #pauseChildren(runId: string): Promise<void> {
    const { pauseChildren } = await import("./pause.ts");
    await pauseChildren(this, runId);
  }

  /** A run that waits for a child that only waits does nothing either. */
  #waiting(execution: Execution, isWaiting: boolean): void {
    const parent = this.executions.get(execution.parentId ?? "");
    parent?.activity.works(isWaiting ? -1 : 1);
    parent?.activity.waits(isWaiting ? 1 : -1);
    for (const part of this.#parts) part.waiting?.(execution, isWaiting);
  }

  async #anotherAttempt(failure: RunFailure): Promise<AnotherAttempt | undefined> {
    for (const part of this.#parts) {
      const next = await part.failed?.(failure);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  async #afterwards(execution: Execution): Promise<void> {
    const { runId, lease } = execution;
    const outcome = await execution.done;
    this.executions.delete(runId);
    if (this.executions.size === 0) this.#watch[Symbol.dispose]();
    if (outcome.status === "stopped" && !runErrors.is(outcome.error, "run_fenced"))
      await this.#letGo(lease, execution.parentId);
    this.#live.refresh((id) => id === runId);
    this.notify();
    this.ended(runId);
    for (const part of this.#parts) part.ended?.(execution, outcome);
    if (this.#finished++ % pruneEvery === 0)
      await this.prune().catch((error: unknown) => this.warn("old runs not deleted", error));
  }

  /** Lets go of a run that may be this engine's by a write of which nobody knows what became: it would be executed by nobody. */
  #disown(lease: Lease, owner: string | undefined, cause: unknown): void {
    if (storageErrors.is(cause, "database_unreachable") && cause.details["outcome"] === "unknown")
      void this.#letGo(lease, undefined, owner);
  }

  /** Lets go of a run that the store's failure stopped, so that it is taken up again later; a child is its parent's to take up. */
  async #letGo(lease: Lease, parentId: string | undefined, owner?: string): Promise<void> {
    await this.#release(lease, owner);
    if (this.#closing || this.executions.has(parentId ?? "")) return;
    for (const part of this.#parts) part.letGo?.(lease.runId);
  }

  /** Lets go of a run that stopped before its end, so that it can be taken up, here or elsewhere; also once the store works again. */
  async #release(lease: Lease, owner?: string): Promise<void> {
    while (!this.#closing) {
      try {
        return await this.journal.releaseRun(lease, owner);
      } catch (error) {
        this.warn(`${lease.runId} not let go of yet`, error);
        await this.clock.sleep(releaseRetryMs, { keepAlive: false });
      }
    }
  }

  /** Tells where the rest of a log comes from: what a dead worker left is taken over by another. */
  async #placeOfId(runId: string): Promise<Place> {
    if (this.executions.has(runId)) return "here";
    const run = await this.journal.load(runId);
    const place = await this.placeOf(run);
    if (place !== "nowhere" || !run || run.finishedAt !== undefined) return place;
    const isTakenSoon = run.owner !== undefined && run.owner !== this.#lease.id && this.owners.diedJustNow(run.owner);
    return run.queue !== undefined || isTakenSoon ? "queued" : "nowhere";
  }

  /** Looks now and then at what other processes may have written; as long as a run is executed, the process stays alive. */
  #watchOthers(): Disposable {
    const timer = setInterval(() => this.#hinted(), safetyNetMs);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  /** Looks at what other processes may have written: events, signals, cancels. */
  #hinted(): void {
    this.#live.refresh((runId) => !this.executions.has(runId));
    for (const part of this.#parts) part.hinted?.();
    if (this.executions.size > 0)
      this.#obey().catch((error: unknown) => this.warn("signals and cancels not read", error));
  }

  async #obey(): Promise<void> {
    const owner = await this.owners.own();
    const { obeyControls } = await import("./obey.ts");
    await obeyControls(this, owner);
    for (const id of await this.journal.signalled(owner)) this.bell.ring(id);
  }

  /** Writes a warning, unless the engine is about to end anyway. */
  warn(message: string, error: unknown): void {
    if (!this.#closing)
      this.#options.logger.warn(message, { error: error instanceof Error ? error.message : String(error) });
  }
}
