import { fromErrorData } from "../base/index.ts";
import { listEffects } from "./effects.ts";
import { cancelRun, ended } from "./cancel.ts";
import type { Engine } from "./engine.ts";
import { runErrors } from "./errors.ts";
import type { Outcome } from "./execution.ts";
import type { StoredRun } from "./journal.ts";
import type { RunHandle, RunRecord } from "./run.ts";

/** Most programs start runs and wait for their results: what else runs can be asked is loaded when they are asked. */
const control = () => import("./control.ts");

/** Makes what a starter holds of a run. */
export function createHandle<Output>(engine: Engine, id: string, isNew: boolean): RunHandle<Output> {
  const record = async (): Promise<RunRecord> => await recordOf(engine, await loadRun(engine, id));
  return {
    id,
    isNew,
    events: (follow) => engine.follow(id, follow),
    result: () => resultOf<Output>(engine, id),
    record,
    async cancel(reason = "asked for") {
      await cancelRun(engine, await loadRun(engine, id), reason);
      return await record();
    },
    async pause() {
      const run = await loadRun(engine, id);
      await (await control()).pauseRun(engine, run);
      return await record();
    },
    async resume() {
      const run = await loadRun(engine, id);
      await (await control()).resumeRun(engine, run);
      return await record();
    },
    async signal(name, payload = null, { expected } = {}) {
      const run = await loadRun(engine, id);
      await (await control()).sendSignal(engine, run, { name, payload, expected });
    },
    async decide(key, decision) {
      const run = await loadRun(engine, id);
      await (await control()).decideEffect(engine, run, { key, decision });
    },
    async steer(input) {
      const run = await loadRun(engine, id);
      await (await control()).steerRun(engine, run, input);
    },
    effects: async () => await listEffects(engine, await loadRun(engine, id)),
    async fork(options = {}) {
      const run = await loadRun(engine, id);
      const { forkRun } = await import("./fork.ts");
      return createHandle<Output>(engine, await forkRun(engine, run, options), true);
    },
  };
}

/** Reads a run's row. Errors: run_not_found. */
export async function loadRun(engine: Engine, id: string): Promise<StoredRun> {
  const run = await engine.journal.load(id);
  if (run) return run;
  throw runErrors.create("run_not_found", `There is no run ${JSON.stringify(id)} here.`, { details: { runId: id } });
}

/** Gives what may be said of a run. */
export async function recordOf(engine: Engine, run: StoredRun): Promise<RunRecord> {
  const { id, workflow, status, input, tags, version, priority, attempt, paused, dead, createdAt, updatedAt } = run;
  const { output, error, parentId, key, tenant, queue, dueAt, originId, finishedAt } = run;
  return {
    id,
    workflow,
    status,
    interrupted: await engine.isInterrupted(run),
    input,
    tags,
    version,
    priority,
    attempt,
    paused,
    dead,
    createdAt,
    updatedAt,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(parentId === undefined ? {} : { parentId }),
    ...(key === undefined ? {} : { key }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(queue === undefined ? {} : { queue }),
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(originId === undefined ? {} : { originId }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
  };
}

async function resultOf<Output>(engine: Engine, id: string): Promise<Output> {
  const outcome = await (await engine.executionOf(id))?.done;
  if (outcome?.status === "completed") return outcome.output as Output;
  if (outcome && !goesOn(outcome)) throw outcome.error;
  engine.assertOpen();
  await ended(engine, id);
  const run = await loadRun(engine, id);
  if (run.status === "completed") return run.output as Output;
  if (run.error) throw fromErrorData(run.error);
  throw runErrors.create("run_interrupted", `The run ${id} is not executed by any process.`, {
    details: { runId: id },
  });
}

/** A run goes on after an execution when another attempt waits, or another process has taken it over. */
function goesOn({ status, error }: Exclude<Outcome, { readonly status: "completed" }>): boolean {
  return status === "queued" || runErrors.is(error, "run_fenced");
}
