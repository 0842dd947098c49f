import { systemClock, systemRandom } from "../base/index.ts";
import { noopTelemetry, silentLogger } from "../telemetry/index.ts";
import { cancelOn, ended } from "./cancel.ts";
import type { RunsOptions } from "./create-runs.ts";
import type { Runs, Workers } from "./desk.ts";
import { createDrain } from "./drain.ts";
import type { Drain } from "./drain.ts";
import { Engine } from "./engine.ts";
import { runErrors } from "./errors.ts";
import { createHandle, loadRun, recordOf } from "./handle.ts";
import type { DeadLetters, Queues, Schedules } from "./queues.ts";
import { cancelOrphans } from "./orphans.ts";
import type { AnyWorkflow, ListOptions, PlannedRun, RunHandle, RunRecord, StartOptions, Workflow } from "./run.ts";
import { runMigrations } from "./schema.ts";
import { createTakers } from "./takers.ts";
import type { Takers } from "./takers.ts";
import { createTasks } from "./tasks/tasks.ts";
import type { Tasks } from "./tasks/tasks.ts";
import { checkCount } from "./tasks/start-options.ts";

/** Does what `createRuns` says. */
export async function openRuns(options: RunsOptions): Promise<Runs> {
  const { database, worker = {}, retention = {}, budget, calendar } = options;
  const { clock = systemClock, random = systemRandom, logger = silentLogger, telemetry = noopTelemetry } = options;
  if (options.worker) (await import("./tasks/worker-options.ts")).checkWorkerOptions(options.worker);
  await database.migrate("runs", runMigrations);
  const given = {
    database,
    clock,
    random,
    logger,
    telemetry,
    retention,
    queue: () => takers.queue(),
    worker,
    budget,
    calendar,
  };
  const engine = new Engine(given);
  const tasks = createTasks(engine);
  const takers = createTakers(engine, { queue: options.queue, dependents: tasks.dependents });
  const drain = createDrain(engine, takers);
  engine.attach(takers);
  engine.attach(drain);
  cancelOrphans(engine);
  return new FrontDesk(engine, { tasks, takers, drain });
}

const maxUnfinished = 100_000;

/** Is what stands behind the desk beside the engine. */
interface Staff {
  readonly tasks: Tasks;
  readonly takers: Takers;
  readonly drain: Drain;
}

/** Is what users hold of the engine. */
class FrontDesk implements Runs {
  readonly #engine: Engine;
  readonly #tasks: Tasks;
  readonly #takers: Takers;
  readonly #drain: Drain;

  constructor(engine: Engine, { tasks, takers, drain }: Staff) {
    this.#engine = engine;
    this.#tasks = tasks;
    this.#takers = takers;
    this.#drain = drain;
  }

  get workers(): Workers {
    return { list: () => this.#engine.owners.list(), drain: (graceMs) => this.#drain.drain(graceMs) };
  }

  get queues(): Queues {
    return this.#tasks.queues;
  }

  get deadLetters(): DeadLetters {
    return this.#tasks.deadLetters;
  }

  get schedules(): Schedules {
    return this.#tasks.schedules;
  }

  register(workflow: AnyWorkflow): void {
    if (this.#engine.workflows.get(workflow.name) === workflow) return;
    this.#engine.register(workflow);
    this.#tasks.look();
    this.#takers.look();
  }

  async start<Input, Output>(
    workflow: Workflow<Input, Output>,
    input: Input,
    options: StartOptions = {},
  ): Promise<RunHandle<Output>> {
    this.#engine.assertOpen();
    const { signal } = options;
    signal?.throwIfAborted();
    this.register(workflow);
    const { id, isNew } = await this.#tasks.starter.start({ workflow, input, options });
    const started = createHandle<Output>(this.#engine, id, isNew);
    if (signal) this.#cancelOn(signal, id);
    return started;
  }

  async startMany(planned: readonly PlannedRun[]): Promise<readonly RunHandle[]> {
    this.#engine.assertOpen();
    for (const { workflow } of planned) this.register(workflow);
    const accepted = await this.#tasks.starter.startMany(planned);
    return accepted.map(({ id, isNew }) => createHandle(this.#engine, id, isNew));
  }

  #cancelOn(signal: AbortSignal, runId: string): void {
    const forget = cancelOn(this.#engine, runId, { signal, reason: "its starter's signal aborted" });
    // The signal may live longer than the run.
    void ended(this.#engine, runId)
      .catch(() => {})
      .finally(forget);
  }

  async open(id: string): Promise<RunHandle> {
    return createHandle(this.#engine, (await loadRun(this.#engine, id)).id, false);
  }

  async list(options: ListOptions = {}): Promise<readonly RunRecord[]> {
    const { limit = 100 } = options;
    checkCount("limit", limit);
    // Who is alive is not in the table: all unfinished runs are looked at for the interrupted ones.
    const most = options.status === "interrupted" ? maxUnfinished : limit;
    const found = await this.#engine.journal.list({ ...options, limit: most });
    const records = await Promise.all(found.map((run) => recordOf(this.#engine, run)));
    return (options.status === "interrupted" ? records.filter((run) => run.interrupted) : records).slice(0, limit);
  }

  async resume(id: string): Promise<RunHandle> {
    this.#engine.assertOpen();
    const run = await loadRun(this.#engine, id);
    const { resumeRun } = await import("./control.ts");
    await resumeRun(this.#engine, run);
    return createHandle(this.#engine, id, false);
  }

  async recover(): Promise<readonly RunHandle[]> {
    this.#engine.assertOpen();
    const handles: RunHandle[] = [];
    const found = await this.#engine.journal.unfinished();
    const unfinished = new Set(found.map((run) => run.id));
    for (const run of found) {
      // Children are taken up by their parents, which know what they wait for; those of ended parents have nobody else.
      if (run.paused || (run.parentId !== undefined && unfinished.has(run.parentId))) continue;
      if (!this.#engine.workflows.has(run.workflow)) continue;
      if (!(await this.#engine.isInterrupted(run))) continue;
      try {
        handles.push(await this.resume(run.id));
      } catch (error) {
        // Another process took it up first, or it ended meanwhile: both are as good. One that cannot be taken up keeps no other.
        if (!runErrors.is(error, "run_owned") && !runErrors.is(error, "run_finished"))
          this.#engine.warn(`${run.id} not taken up`, error);
      }
    }
    return handles;
  }

  async prune(): Promise<number> {
    return await this.#engine.prune();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close();
  }
}
