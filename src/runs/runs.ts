import type { AtlasError, Clock, JsonValue, Random } from "../base/index.ts";
import { baseErrors, fromErrorData, newId, parseSchema, stringifyJson, systemClock, systemRandom } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import type { Logger, Telemetry } from "../telemetry/index.ts";
import { noopTelemetry, silentLogger } from "../telemetry/index.ts";
import { createCalls } from "./child-calls.ts";
import { runErrors } from "./errors.ts";
import type { Execution, ExecutionHost } from "./execution.ts";
import { execute } from "./execution.ts";
import { createLiveLogs, followRun } from "./follow.ts";
import type { FollowSource } from "./follow.ts";
import { createJournal } from "./journal.ts";
import type { NewRun, StoredRun } from "./journal.ts";
import { createOwners } from "./owners.ts";
import { loadRecorded, nothingRecorded } from "./recorded-steps.ts";
import type { AnyWorkflow, FollowOptions, RunHandle, RunRecord, Runs, StartOptions, Workflow } from "./run.ts";
import { runMigrations } from "./schema.ts";
import { createSignalBell } from "./signals.ts";

/** Bounds what is kept of finished runs. Units: `keepMs` after their end (30 days by default); `maxRuns` 100,000 by default. */
export interface Retention {
  readonly keepMs?: number;
  readonly maxRuns?: number;
}

/** Is what the run engine is made from. */
export interface RunsOptions {
  readonly database: Database;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly telemetry?: Telemetry;
  readonly retention?: Retention;
}

const pruneEvery = 5_000;
const pruneBatch = 200;

/**
 * Opens the run engine on a database.
 *
 * Errors: database_too_new and those of the database.
 */
export async function createRuns(options: RunsOptions): Promise<Runs> {
  const { database, clock = systemClock, random = systemRandom, logger = silentLogger, telemetry = noopTelemetry } = options;
  await database.migrate("runs", runMigrations);
  const engine = createEngine({ database, clock, random, logger, telemetry, retention: options.retention ?? {} });
  return createFrontDesk(engine);
}

type EngineOptions = Required<RunsOptions>;

/** Keeps the executions of this process; everything that users call is built on it. */
function createEngine(options: EngineOptions) {
  const { database, clock, random } = options;
  const journal = createJournal(database, clock);
  const live = createLiveLogs();
  const bell = createSignalBell();
  const owners = createOwners(database, clock, random);
  const workflows = new Map<string, AnyWorkflow>();
  const executions = new Map<string, Execution>();
  let closed = false;
  let finished = 0;

  const host: ExecutionHost = { ...options, journal, live, bell, notify: () => database.notify(), callChild: (parent, call) => calls.callChild(parent, call) };
  const hints = database.listen(() => {
    live.refresh();
    bell.ring();
    if (executions.size > 0) obeyControls().catch((error: unknown) => options.logger.warn("controls not read", { error: String(error) }));
  });
  const obeyControls = async (): Promise<void> => {
    for (const [id, reason] of await journal.controls(await owners.own())) executions.get(id)?.abort(cancelled(id, reason));
  };
  const place: FollowSource["place"] = async (id) => {
    if (executions.has(id)) return "here";
    const run = await journal.load(id);
    if (!run || run.finishedAt !== undefined) return "nowhere";
    return (await owners.isAlive(run.owner)) ? "elsewhere" : "nowhere";
  };
  const launch = (start: Parameters<typeof execute>[1]): Execution => {
    const execution = execute(host, start);
    executions.set(execution.runId, execution);
    void execution.done.then(() => {
      executions.delete(execution.runId);
      live.refresh(execution.runId);
      database.notify();
      if (finished++ % pruneEvery === 0 && !closed) prune().catch(() => {});
    });
    return execution;
  };
  const prune = async (): Promise<number> => {
    const { keepMs = 30 * 86_400_000, maxRuns = 100_000 } = options.retention;
    let total = 0;
    for (let batch = pruneBatch; batch === pruneBatch && !closed; total += batch) {
      batch = await journal.prune(clock.now() - keepMs, maxRuns, pruneBatch);
    }
    return total;
  };
  const engine = {
    journal,
    bell,
    owners,
    workflows,
    executions,
    prune,
    newId: () => newId("run", { clock, random }),
    now: () => clock.now(),
    notify: () => database.notify(),
    follow: (id: string, follow: FollowOptions = {}) => followRun({ journal, live, clock, place }, id, follow),
    assertOpen(): void {
      if (closed) throw runErrors.create("run_interrupted", "Atlas is closed; open it again to start or resume runs.");
    },
    /** Executes a run that was just made. */
    begin(run: NewRun, workflow: AnyWorkflow): Execution {
      const input = JSON.parse(run.input) as JsonValue;
      const lease = { runId: run.id, epoch: 1 };
      return launch({ lease, lastSeq: 1, parentId: run.parentId, workflow, input, recorded: nothingRecorded });
    },
    /** Takes an interrupted run over and goes on with it. Errors: run_owned, workflow_unknown. */
    async takeUp(run: StoredRun): Promise<Execution> {
      const workflow = workflows.get(run.workflow);
      if (!workflow) {
        throw runErrors.create("workflow_unknown", `This program does not know the workflow "${run.workflow}" of the run ${run.id}.`, {
          details: { runId: run.id, workflow: run.workflow, known: [...workflows.keys()] },
        });
      }
      const lease = await journal.takeOver(run, await owners.own()).catch((cause: unknown) => {
        throw storageErrors.is(cause, "write_conflict") ? owned(run.id) : cause;
      });
      const recorded = await loadRecorded(journal, run.id, run.checkpointSeq);
      const { id, parentId, input, control } = run;
      const execution = launch({ lease, lastSeq: lease.lastSeq, parentId, workflow, input, recorded });
      if (control !== undefined) execution.abort(cancelled(id, control));
      return execution;
    },
    async close(): Promise<void> {
      if (closed) return;
      closed = true;
      hints[Symbol.dispose]();
      const reason = runErrors.create("run_interrupted", "Atlas was closed before the run had ended; the run is kept.");
      for (const execution of executions.values()) execution.abort(reason);
      await Promise.all([...executions.values()].map((execution) => execution.done));
      await journal.release(await owners.own());
      await owners[Symbol.asyncDispose]();
    },
  };
  const calls = createCalls(engine);
  return engine;
}

/** Is the engine as the parts of this folder see it. */
export type Engine = ReturnType<typeof createEngine>;

function createFrontDesk(engine: Engine): Runs {
  const { journal, owners, workflows, executions } = engine;
  const load = async (id: string): Promise<StoredRun> => {
    const run = await journal.load(id);
    if (run) return run;
    throw runErrors.create("run_not_found", `There is no run ${JSON.stringify(id)} here.`, { details: { runId: id } });
  };
  const record = async (run: StoredRun): Promise<RunRecord> => toRecord(run, await isInterrupted(engine, run));
  const handle = <Output>(id: string, isNew: boolean): RunHandle<Output> => ({
    id,
    isNew,
    events: (follow) => engine.follow(id, follow),
    result: () => resultOf<Output>(engine, id),
    record: async () => record(await load(id)),
    cancel: async (reason = "asked for") => {
      await cancelRun(engine, await load(id), reason);
      return await record(await load(id));
    },
  });
  const takeUp = async (run: StoredRun): Promise<RunHandle> => {
    if (!executions.has(run.id)) await engine.takeUp(run);
    return handle(run.id, false);
  };
  const register = (workflow: AnyWorkflow): void => {
    const known = workflows.get(workflow.name);
    if (known !== undefined && known !== workflow && known.run !== workflow.run) {
      throw runErrors.create("workflow_duplicate", `There are two workflows named "${workflow.name}".`, { details: { workflow: workflow.name } });
    }
    workflows.set(workflow.name, workflow);
  };
  const unfinished = async <Output>(workflow: string, key: string): Promise<RunHandle<Output> | undefined> => {
    const run = await journal.unfinishedByKey(workflow, key);
    if (run === undefined) return undefined;
    if (!executions.has(run.id) && !(await owners.isAlive(run.owner))) await engine.takeUp(run);
    return handle(run.id, false);
  };
  const accept = async <Input, Output>(
    workflow: Workflow<Input, Output>,
    input: JsonValue,
    { key, tags = {} }: StartOptions,
  ): Promise<RunHandle<Output>> => {
    const text = stringifyJson(input, `input of ${workflow.name}`);
    const run = { id: engine.newId(), workflow: workflow.name, owner: await owners.own(), input: text, key, parentId: undefined, tags };
    try {
      await journal.write(journal.creation(run));
    } catch (cause) {
      const other = key !== undefined && storageErrors.is(cause, "write_conflict") ? await unfinished<Output>(workflow.name, key) : undefined;
      if (other) return other;
      throw cause;
    }
    engine.begin(run, workflow);
    return handle(run.id, true);
  };

  return {
    register,
    async start<Input, Output>(workflow: Workflow<Input, Output>, input: Input, options: StartOptions = {}) {
      engine.assertOpen();
      options.signal?.throwIfAborted();
      register(workflow);
      if (workflow.input) await parseSchema(workflow.input, input, `input of ${workflow.name}`);
      const started = await accept<Input, Output>(workflow, input as JsonValue, options);
      const cancel = (): void => void started.cancel("its starter's signal aborted").catch(() => {});
      options.signal?.addEventListener("abort", cancel, { once: true });
      void executions.get(started.id)?.done.then(() => options.signal?.removeEventListener("abort", cancel));
      return started;
    },
    async open(id) {
      await load(id);
      return handle(id, false);
    },
    async list(options = {}) {
      const records = await Promise.all((await journal.list(options)).map(record));
      return options.status === "interrupted" ? records.filter((run) => run.interrupted) : records;
    },
    async resume(id) {
      engine.assertOpen();
      const run = await load(id);
      if (run.finishedAt !== undefined) throw finishedError(run);
      if (!executions.has(id) && (await owners.isAlive(run.owner))) throw owned(id);
      return await takeUp(run);
    },
    async recover() {
      engine.assertOpen();
      const handles: RunHandle[] = [];
      for (const run of await journal.unfinished()) {
        // Children are taken up by their parents, which know what they wait for.
        if (run.parentId !== undefined || !workflows.has(run.workflow) || executions.has(run.id)) continue;
        if (await isInterrupted(engine, run)) handles.push(await takeUp(run));
      }
      return handles;
    },
    async signal(id, name, payload = null) {
      const text = stringifyJson(payload, `payload of the signal ${name}`);
      if (!(await journal.sendSignal(id, name, text))) throw finishedError(await load(id));
      engine.bell.ring(id);
      engine.notify();
    },
    prune: () => engine.prune(),
    [Symbol.asyncDispose]: () => engine.close(),
  };
}

async function isInterrupted(engine: Engine, run: StoredRun): Promise<boolean> {
  return run.finishedAt === undefined && !engine.executions.has(run.id) && !(await engine.owners.isAlive(run.owner));
}

async function resultOf<Output>(engine: Engine, id: string): Promise<Output> {
  const outcome = await engine.executions.get(id)?.done;
  if (outcome?.status === "completed") return outcome.output as Output;
  if (outcome) throw outcome.error;
  for await (const _ of engine.follow(id, { after: Number.MAX_SAFE_INTEGER })) break;
  const run = await engine.journal.load(id);
  if (run?.status === "completed") return run.output as Output;
  if (run?.error) throw fromErrorData(run.error);
  throw runErrors.create("run_interrupted", `The run ${id} is not executed by any process.`, { details: { runId: id } });
}

/** Cancels a run wherever it is: here, in another process, or in none. Its children are cancelled with it. */
async function cancelRun(engine: Engine, run: StoredRun, reason: string): Promise<void> {
  const { journal, owners, executions } = engine;
  if (run.finishedAt !== undefined || !(await journal.askCancel(run.id, reason))) return;
  for (const child of await journal.children(run.id)) await cancelRun(engine, child, reason);
  const execution = executions.get(run.id);
  if (execution) {
    execution.abort(cancelled(run.id, reason));
    await execution.done;
    return;
  }
  engine.notify();
  if (await owners.isAlive(run.owner)) {
    for await (const _ of engine.follow(run.id, { after: Number.MAX_SAFE_INTEGER })) break;
    return;
  }
  const error = cancelled(run.id, reason).toJSON();
  const lease = await journal.takeOver(run, await owners.own());
  const entry = { seq: lease.lastSeq + 1, type: "run.cancelled", key: undefined, at: engine.now(), text: JSON.stringify({ error }) };
  await journal.finish(lease, [entry], { status: "cancelled", error });
}

function toRecord(run: StoredRun, interrupted: boolean): RunRecord {
  const { id, workflow, status, input, output, error, parentId, key, tags, createdAt, updatedAt, finishedAt } = run;
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

function cancelled(id: string, reason: string): AtlasError {
  return runErrors.create("run_cancelled", `The run ${id} was cancelled: ${reason}.`, { details: { runId: id, reason } });
}

function owned(id: string): AtlasError {
  return runErrors.create("run_owned", `A live process is executing the run ${id}.`, { details: { runId: id } });
}

function finishedError(run: StoredRun): AtlasError {
  return runErrors.create("run_finished", `The run ${run.id} has ended (${run.status}).`, { details: { runId: run.id, status: run.status } });
}
