import { parseSchema, stringifyJson } from "../base/index.ts";
import type { Statement } from "../storage/index.ts";
import { copyRun } from "./copy-run.ts";
import type { Engine } from "./engine.ts";
import { runErrors } from "./errors.ts";
import type { NewRun, StoredRun } from "./journal.ts";
import { unknownWorkflow } from "./refusals.ts";
import type { ForkOptions } from "./run.ts";

const ends: ReadonlySet<string> = new Set(["run.completed", "run.failed", "run.cancelled", "run.skipped"]);

/**
 * Makes a new run that begins with what another one had recorded, and gives its id. Recorded outcomes are given out again; what was
 * under way (a timer, a call, a wait) begins anew. It runs here at once, and its effects are its own.
 *
 * Errors: checkpoint_unknown, workflow_unknown, invalid_input for an input that does not fit.
 */
export async function forkRun(engine: Engine, run: StoredRun, options: ForkOptions): Promise<string> {
  engine.assertOpen();
  const workflow = engine.workflows.get(run.workflow);
  if (workflow === undefined) throw unknownWorkflow(run, [...engine.workflows.keys()]);
  const what = `input of ${workflow.name}`;
  const read = options.input !== undefined && workflow.input !== undefined;
  const input: unknown = read ? await parseSchema(workflow.input, options.input, what) : (options.input ?? run.input);
  const end = options.input === undefined ? await lastToKeep(engine, run, options.at) : 0;
  const { after: _, redriven: __, idempotencyId: ___, seed = run.id, ...settings } = run.options;
  const fork: NewRun = {
    id: engine.newRunId(),
    workflow: run.workflow,
    version: end === 0 ? workflow.version : run.version,
    owner: undefined,
    status: "running",
    input: stringifyJson(input, what),
    originId: run.id,
    tags: options.tags ?? run.tags,
    tenant: run.tenant,
    options: end === 0 ? settings : { ...settings, seed },
  };
  const also = end === 0 ? [] : [attemptOf(fork.id, run, end)];
  await copyRun(engine, fork, { from: run.id, end, told: { from: run.id, at: options.at ?? end }, also });
  const made = await engine.journal.load(fork.id);
  // Another worker may have taken it up at once: it runs, which is what was asked for.
  if (made) await engine.takeUp(made).catch(ignoreOwned);
  return fork.id;
}

/** Finds the last entry that a fork keeps; the end of the run is not its own. Errors: checkpoint_unknown. */
async function lastToKeep(engine: Engine, run: StoredRun, at: number | undefined): Promise<number> {
  const last = await engine.journal.lastSeq(run.id);
  const wanted = at ?? last;
  const [entry] = Number.isSafeInteger(wanted) ? await engine.journal.events(run.id, wanted - 1, 1) : [];
  if (entry === undefined || entry.seq !== wanted || entry.type === "run.compacted") {
    const entries = `its entries are 1 to ${last}`;
    throw runErrors.create("checkpoint_unknown", `The run ${run.id} has no entry ${wanted} to fork from; ${entries}.`, {
      details: { runId: run.id, at: wanted, last },
    });
  }
  return ends.has(entry.type) ? wanted - 1 : wanted;
}

/** The function finds the attempt that it was in where the fork begins: what it had recorded came of that. */
function attemptOf(id: string, origin: StoredRun, end: number): Statement {
  const sql = `UPDATE run SET attempt = ?1 - (SELECT count(*) FROM run_event WHERE run_id = ?2 AND seq > ?3 AND type = 'run.retried')
    WHERE id = ?4`;
  return { sql, params: [origin.attempt, origin.id, end, id] };
}

function ignoreOwned(error: unknown): void {
  if (!runErrors.is(error, "run_owned") && !runErrors.is(error, "run_fenced")) throw error;
}
