import type { Clock, JsonValue, Random } from "../base/index.ts";
import { fromErrorData, parseSchema, stringifyJson, systemClock, systemRandom } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import type { Logger, Telemetry } from "../telemetry/index.ts";
import { noopTelemetry, silentLogger } from "../telemetry/index.ts";
import { cancelRun, ended } from "./cancel.ts";
import { Engine, ownedError } from "./engine.ts";
import type { Retention } from "./engine.ts";
import { runErrors } from "./errors.ts";
import type { NewRun, StoredRun } from "./journal.ts";
import type { AnyWorkflow, ListOptions, RunHandle, RunRecord, Runs, StartOptions, Workflow } from "./run.ts";
import { runMigrations } from "./schema.ts";

/** Is what the run engine is made from. */
export interface RunsOptions {
  readonly database: Database;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly telemetry?: Telemetry;
  readonly retention?: Retention;
}

/**
 * Opens the run engine on a database.
 *
 * Errors: database_too_new and those of the database.
 */
export async function createRuns(options: RunsOptions): Promise<Runs> {
  const {
    database,
    clock = systemClock,
    random = systemRandom,
    logger = silentLogger,
    telemetry = noopTelemetry,
  } = options;
  await database.migrate("runs", runMigrations);
  return new FrontDesk(new Engine({ database, clock, random, logger, telemetry, retention: options.retention ?? {} }));
}

/** Is what users hold of the engine. */
class FrontDesk implements Runs {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  register(workflow: AnyWorkflow): void {
    const { workflows } = this.#engine;
    const known = workflows.get(workflow.name);
    if (known !== undefined && known !== workflow) {
      throw runErrors.create("workflow_duplicate", `There are two workflows named "${workflow.name}".`, {
        details: { workflow: workflow.name },
      });
    }
    workflows.set(workflow.name, workflow);
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
    if (workflow.input) await parseSchema(workflow.input, input, `input of ${workflow.name}`);
    const started = await this.#accept<Output>(workflow, input, options);
    const cancel = (): void => void started.cancel("its starter's signal aborted").catch(() => {});
    signal?.addEventListener("abort", cancel, { once: true });
    void this.#engine.executions.get(started.id)?.done.then(() => signal?.removeEventListener("abort", cancel));
    return started;
  }

  async open(id: string): Promise<RunHandle> {
    return this.#handle((await this.#load(id)).id, false);
  }

  async list(options: ListOptions = {}): Promise<readonly RunRecord[]> {
    const records = await Promise.all((await this.#engine.journal.list(options)).map((run) => this.#record(run)));
    return options.status === "interrupted" ? records.filter((run) => run.interrupted) : records;
  }

  async resume(id: string): Promise<RunHandle> {
    this.#engine.assertOpen();
    const run = await this.#load(id);
    if (run.finishedAt !== undefined) throw finishedError(run);
    if (!this.#engine.executions.has(id)) {
      if (!(await this.#engine.isInterrupted(run))) throw ownedError(id);
      await this.#engine.takeUp(run);
    }
    return this.#handle(id, false);
  }

  async recover(): Promise<readonly RunHandle[]> {
    this.#engine.assertOpen();
    const handles: RunHandle[] = [];
    for (const run of await this.#engine.journal.unfinished()) {
      // Children are taken up by their parents, which know what they wait for.
      if (run.parentId !== undefined || !this.#engine.workflows.has(run.workflow)) continue;
      if (await this.#engine.isInterrupted(run)) handles.push(await this.resume(run.id));
    }
    return handles;
  }

  async signal(id: string, name: string, payload: JsonValue = null): Promise<void> {
    const text = stringifyJson(payload, `payload of the signal ${name}`);
    if (!(await this.#engine.journal.sendSignal(id, name, text))) throw finishedError(await this.#load(id));
    this.#engine.bell.ring(id);
    this.#engine.notify();
  }

  async prune(): Promise<number> {
    return await this.#engine.prune();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close();
  }

  /** Makes the run, or finds the unfinished one of the same key. */
  async #accept<Output>(
    workflow: AnyWorkflow,
    input: unknown,
    { key, tags = {} }: StartOptions,
  ): Promise<RunHandle<Output>> {
    const engine = this.#engine;
    const run: NewRun = {
      id: engine.newRunId(),
      workflow: workflow.name,
      owner: await engine.owners.own(),
      input: stringifyJson(input, `input of ${workflow.name}`),
      key,
      parentId: undefined,
      tags,
    };
    try {
      await engine.journal.write(engine.journal.creation(run));
    } catch (cause) {
      const other =
        storageErrors.is(cause, "write_conflict") && key !== undefined
          ? await engine.journal.unfinishedByKey(workflow.name, key)
          : undefined;
      if (other === undefined) throw cause;
      if (await engine.isInterrupted(other)) await engine.takeUp(other);
      return this.#handle(other.id, false);
    }
    engine.begin(run, workflow);
    return this.#handle(run.id, true);
  }

  #handle<Output>(id: string, isNew: boolean): RunHandle<Output> {
    return {
      id,
      isNew,
      events: (follow) => this.#engine.follow(id, follow),
      result: () => this.#result<Output>(id),
      record: async () => await this.#record(await this.#load(id)),
      cancel: async (reason = "asked for") => {
        await cancelRun(this.#engine, await this.#load(id), reason);
        return await this.#record(await this.#load(id));
      },
    };
  }

  async #result<Output>(id: string): Promise<Output> {
    const outcome = await this.#engine.executions.get(id)?.done;
    if (outcome?.status === "completed") return outcome.output as Output;
    if (outcome) throw outcome.error;
    this.#engine.assertOpen();
    await ended(this.#engine, id);
    const run = await this.#load(id);
    if (run.status === "completed") return run.output as Output;
    if (run.error) throw fromErrorData(run.error);
    throw runErrors.create("run_interrupted", `The run ${id} is not executed by any process.`, {
      details: { runId: id },
    });
  }

  async #load(id: string): Promise<StoredRun> {
    const run = await this.#engine.journal.load(id);
    if (run) return run;
    throw runErrors.create("run_not_found", `There is no run ${JSON.stringify(id)} here.`, { details: { runId: id } });
  }

  async #record(run: StoredRun): Promise<RunRecord> {
    const { id, workflow, status, input, output, error, parentId, key, tags, createdAt, updatedAt, finishedAt } = run;
    const interrupted = await this.#engine.isInterrupted(run);
    return {
      id,
      workflow,
      status,
      interrupted,
      input,
      tags,
      createdAt,
      updatedAt,
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { error }),
      ...(parentId === undefined ? {} : { parentId }),
      ...(key === undefined ? {} : { key }),
      ...(finishedAt === undefined ? {} : { finishedAt }),
    };
  }
}

function finishedError(run: StoredRun): Error {
  return runErrors.create("run_finished", `The run ${run.id} has ended (${run.status}).`, {
    details: { runId: run.id, status: run.status },
  });
}
