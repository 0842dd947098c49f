import type { AtlasError, Clock, JsonValue, Random } from "../base/index.ts";
import { newId } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import type { Logger, Telemetry } from "../telemetry/index.ts";
import { callChild } from "./child-calls.ts";
import { runErrors } from "./errors.ts";
import type { Execution, ExecutionHost, ExecutionStart } from "./execution.ts";
import { execute } from "./execution.ts";
import { createLiveLogs, followRun } from "./follow.ts";
import { Journal } from "./journal.ts";
import type { NewRun, StoredRun } from "./journal.ts";
import type { Owners } from "./owners.ts";
import { createOwners } from "./owners.ts";
import { loadRecorded, nothingRecorded } from "./recorded-steps.ts";
import type { AnyWorkflow, FollowOptions, RunEvent } from "./run.ts";
import { createSignalBell } from "./signals.ts";
import type { SignalBell } from "./signals.ts";

/** Bounds what is kept of finished runs. Units: `keepMs` after their end (30 days by default); `maxRuns` 100,000 by default. */
export interface Retention {
  readonly keepMs?: number;
  readonly maxRuns?: number;
}

/** Is what the engine works with. */
export interface EngineOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly retention: Retention;
}

const pruneEvery = 5_000;
const pruneBatch = 200;
const dayMs = 86_400_000;

/** Keeps the executions of this process: begins them, takes interrupted ones up, passes cancels on, stops them at the end. */
export class Engine {
  readonly journal: Journal;
  readonly owners: Owners;
  readonly bell: SignalBell;
  readonly executions = new Map<string, Execution>();
  readonly workflows = new Map<string, AnyWorkflow>();
  readonly clock: Clock;
  readonly #options: EngineOptions;
  readonly #live = createLiveLogs();
  readonly #hints: Disposable;
  #finished = 0;
  #closing: Promise<void> | undefined;

  constructor(options: EngineOptions) {
    const { database, clock, random } = options;
    this.#options = options;
    this.clock = clock;
    this.journal = new Journal(database, clock);
    this.owners = createOwners(database, { clock, random });
    this.bell = createSignalBell();
    this.#hints = database.listen(() => this.#hinted());
  }

  /** Errors: run_interrupted when the engine is closed. */
  assertOpen(): void {
    if (this.#closing)
      throw runErrors.create("run_interrupted", "Atlas is closed; open it again to start or resume runs.");
  }

  newRunId(): string {
    return newId("run", this.#options);
  }

  /** Tells other processes that something was written. */
  notify(): void {
    this.#options.database.notify();
  }

  follow(runId: string, options: FollowOptions = {}): AsyncGenerator<RunEvent> {
    const source = {
      journal: this.journal,
      live: this.#live,
      clock: this.clock,
      place: (id: string) => this.#place(id),
    };
    return followRun(source, runId, options);
  }

  /** Executes a run that was just made. */
  begin(run: NewRun, workflow: AnyWorkflow): Execution {
    const input = JSON.parse(run.input) as JsonValue;
    const lease = { runId: run.id, epoch: 1 };
    return this.#launch({ lease, lastSeq: 1, parentId: run.parentId, workflow, input, recorded: nothingRecorded });
  }

  /** Takes an interrupted run over and goes on with it. Errors: run_owned, workflow_unknown. */
  async takeUp(run: StoredRun): Promise<Execution> {
    const workflow = this.workflows.get(run.workflow);
    if (!workflow) throw unknownWorkflow(run, [...this.workflows.keys()]);
    const lease = await this.journal.takeOver(run, await this.owners.own()).catch((cause: unknown) => {
      throw storageErrors.is(cause, "write_conflict") ? ownedError(run.id) : cause;
    });
    const recorded = await loadRecorded(this.journal, run.id, run.checkpointSeq);
    const { id, parentId, input, control } = run;
    const execution = this.#launch({ lease, lastSeq: lease.lastSeq, parentId, workflow, input, recorded });
    if (control !== undefined) execution.abort(cancelledError(id, control));
    return execution;
  }

  /** Tells whether a run is unfinished and no live process executes it. */
  async isInterrupted(run: StoredRun): Promise<boolean> {
    return run.finishedAt === undefined && !this.executions.has(run.id) && !(await this.owners.isAlive(run.owner));
  }

  /** Deletes finished runs that the retention does not keep; gives how many. */
  async prune(): Promise<number> {
    const { keepMs = 30 * dayMs, maxRuns = 100_000 } = this.#options.retention;
    let total = 0;
    for (let batch = pruneBatch; batch === pruneBatch && !this.#closing; total += batch) {
      batch = await this.journal.prune(this.clock.now() - keepMs, maxRuns, pruneBatch);
    }
    return total;
  }

  /** Stops every execution; their runs are kept and show as interrupted. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#hints[Symbol.dispose]();
    const reason = runErrors.create("run_interrupted", "Atlas was closed before the run had ended; the run is kept.");
    const running = [...this.executions.values()];
    for (const execution of running) execution.abort(reason);
    await Promise.all(running.map((execution) => execution.done));
    if (this.owners.claimed) await this.journal.release(await this.owners.own());
    await this.owners[Symbol.asyncDispose]();
  }

  #launch(start: ExecutionStart): Execution {
    const host: ExecutionHost = {
      ...this.#options,
      journal: this.journal,
      bell: this.bell,
      live: this.#live,
      notify: () => this.notify(),
      callChild: (parent, call) => callChild(this, parent, call),
    };
    const execution = execute(host, start);
    this.executions.set(execution.runId, execution);
    void this.#afterwards(execution);
    return execution;
  }

  async #afterwards({ runId, done }: Execution): Promise<void> {
    await done;
    this.executions.delete(runId);
    this.#live.refresh(runId);
    this.notify();
    if (this.#finished++ % pruneEvery === 0)
      await this.prune().catch((error: unknown) => this.#warn("old runs not deleted", error));
  }

  async #place(runId: string): Promise<"here" | "elsewhere" | "nowhere"> {
    if (this.executions.has(runId)) return "here";
    const run = await this.journal.load(runId);
    if (!run || run.finishedAt !== undefined) return "nowhere";
    return (await this.owners.isAlive(run.owner)) ? "elsewhere" : "nowhere";
  }

  /** Looks at what other processes may have written: events, signals, cancels. */
  #hinted(): void {
    this.#live.refresh();
    this.bell.ring();
    if (this.executions.size > 0) this.#obey().catch((error: unknown) => this.#warn("cancels not read", error));
  }

  async #obey(): Promise<void> {
    for (const [id, reason] of await this.journal.controls(await this.owners.own())) {
      this.executions.get(id)?.abort(cancelledError(id, reason));
    }
  }

  #warn(message: string, error: unknown): void {
    if (!this.#closing)
      this.#options.logger.warn(message, { error: error instanceof Error ? error.message : String(error) });
  }
}

/** Makes the error of a run that was cancelled. */
export function cancelledError(runId: string, reason: string): AtlasError {
  return runErrors.create("run_cancelled", `The run ${runId} was cancelled: ${reason}.`, {
    details: { runId, reason },
  });
}

/** Makes the error of a run that a live process has. */
export function ownedError(runId: string): AtlasError {
  return runErrors.create("run_owned", `A live process is executing the run ${runId}.`, { details: { runId } });
}

function unknownWorkflow(run: StoredRun, known: readonly string[]): AtlasError {
  return runErrors.create(
    "workflow_unknown",
    `This program does not know the workflow "${run.workflow}" of the run ${run.id}.`,
    {
      details: { runId: run.id, workflow: run.workflow, known },
    },
  );
}
