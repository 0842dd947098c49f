import type { JsonValue } from "../base/index.ts";
import { fromErrorData, parseSchema, stringifyJson, systemClock, systemRandom } from "../base/index.ts";
import { storageErrors } from "../storage/index.ts";
import { noopTelemetry, silentLogger } from "../telemetry/index.ts";
import { cancelRun, ended } from "./cancel.ts";
import type { RunsOptions } from "./create-runs.ts";
import { Engine, ownedError } from "./engine.ts";
import { runErrors } from "./errors.ts";
import type { NewRun, StoredRun } from "./journal.ts";
import type { AnyWorkflow, ListOptions, RunHandle, RunRecord, Runs, StartOptions, Workflow } from "./run.ts";
import { runMigrations } from "./schema.ts";

/** Does what `createRuns` says. */
export async function openRuns(options: RunsOptions): Promise<Runs> {
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

const maxUnfinished = 100_000;

/** Is what users hold of the engine. */
class FrontDesk implements Runs {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  register(workflow: AnyWorkflow): void {
    this.#engine.register(workflow);
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
    const read = workflow.input ? await parseSchema(workflow.input, input, `input of ${workflow.name}`) : input;
    const started = await this.#accept<Output>(workflow, read, options);
    if (signal) this.#cancelOn(signal, started);
    return started;
  }

  #cancelOn(signal: AbortSignal, run: RunHandle<unknown>): void {
    const cancel = (): void => void run.cancel("its starter's signal aborted").catch(() => {});
    signal.addEventListener("abort", cancel, { once: true });
    // The signal may live longer than the run, and may have aborted while the run was being accepted.
    void ended(this.#engine, run.id)
      .catch(() => {})
      .finally(() => signal.removeEventListener("abort", cancel));
    if (signal.aborted) cancel();
  }

  async open(id: string): Promise<RunHandle> {
    return this.#handle((await this.#load(id)).id, false);
  }

  async list(options: ListOptions = {}): Promise<readonly RunRecord[]> {
    const { limit = 100 } = options;
    // Who is alive is not in the table: all unfinished runs are looked at for the interrupted ones.
    const most = options.status === "interrupted" ? maxUnfinished : limit;
    const found = await this.#engine.journal.list({ ...options, limit: most });
    const records = await Promise.all(found.map((run) => this.#record(run)));
    return (options.status === "interrupted" ? records.filter((run) => run.interrupted) : records).slice(0, limit);
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
    const found = await this.#engine.journal.unfinished();
    const unfinished = new Set(found.map((run) => run.id));
    for (const run of found) {
      // Children are taken up by their parents, which know what they wait for; those of ended parents have nobody else.
      if (run.parentId !== undefined && unfinished.has(run.parentId)) continue;
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
    for (;;) {
      try {
        await engine.begin(run, workflow, (creation) => engine.journal.write(creation));
        break;
      } catch (cause) {
        if (!storageErrors.is(cause, "write_conflict") || key === undefined) throw cause;
      }
      const other = await engine.journal.unfinishedByKey(workflow.name, key);
      // It ended between the two looks: the key is free again.
      if (other === undefined) continue;
      if (await engine.isInterrupted(other)) await this.#takeUpUnlessOwned(other);
      return this.#handle(other.id, false);
    }
    return this.#handle(run.id, true);
  }

  async #takeUpUnlessOwned(run: StoredRun): Promise<void> {
    try {
      await this.#engine.takeUp(run);
    } catch (error) {
      if (!runErrors.is(error, "run_owned")) throw error;
    }
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
    const outcome = await (await this.#engine.executionOf(id))?.done;
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
