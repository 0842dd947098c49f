import { isJsonObject } from "../../base/index.ts";
import type { Statement } from "../../storage/index.ts";
import { storageErrors } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { copyRun } from "../copy-run.ts";
import type { LogCopy } from "../copy-run.ts";
import type { NewRun, StoredRun } from "../journal.ts";
import type { RedriveOptions } from "../queues.ts";
import { offer } from "./dependencies.ts";
import type { Turnstile } from "./turnstile.ts";

const markRedriven = "UPDATE run SET dead = 0, options = ?, updated_at = ? WHERE id = ? AND dead = 1";
/** Those that wait for the dead run wait for the new one. */
const moveDependents = "UPDATE run_dependency SET needs_id = ? WHERE needs_id = ?";
const countOn = "UPDATE run SET attempt = ? WHERE id = ?";

/** Is what a redrive works with. */
export interface RedriveParts {
  readonly engine: Engine;
  readonly turnstile: Turnstile;
}

/**
 * Makes a new run of a dead one and offers it, all in one commit: the copied log without the failure that ended it, the mark on the
 * old run, and those that wait for it. Gives the new id; none when somebody else redrove it meanwhile, or an unfinished run has its key.
 */
export async function redriveRun(
  { engine, turnstile }: RedriveParts,
  run: StoredRun,
  { input, fromStart = input !== undefined }: RedriveOptions,
): Promise<readonly string[]> {
  const { queue = "", tenant, priority, workflow } = run;
  const [turn = 0] = await turnstile.take([{ queue, tenant, priority }]);
  const place = { queue, priority, turn, dueAt: undefined };
  const id = engine.newRunId();
  const at = engine.clock.now();
  const { after: _, redriven: __, ...kept } = run.options;
  // What has been done outside under the old run's keys is not done again; another input asks for other effects.
  const { seed = run.id, idempotencyId = run.id } = kept;
  const options = input === undefined ? { ...kept, seed, idempotencyId } : kept;
  const made: NewRun = {
    id,
    workflow,
    version: run.version,
    status: "queued",
    owner: undefined,
    key: run.key,
    tags: run.tags,
    tenant,
    place,
    options,
    input: JSON.stringify(input ?? run.input),
    parentId: run.parentId,
    originId: run.id,
  };
  const marked = JSON.stringify({ ...run.options, redriven: id });
  const also: Statement[] = [
    { sql: markRedriven, params: [marked, at, run.id], expectRows: 1 },
    { sql: moveDependents, params: [id, run.id] },
    { sql: countOn, params: [run.attempt + 1, id] },
  ];
  try {
    await copyRun(engine, made, { ...(await toldOf(engine, run, fromStart)), from: run.id, also });
  } catch (cause) {
    if (storageErrors.is(cause, "write_conflict")) return [];
    throw cause;
  }
  await offer(engine, [{ runId: id, epoch: 0, workflow, tenant, ...place }]);
  return [id];
}

/** Says what of the dead run's log goes on: all of it but the failure, which the next entry tells instead. */
async function toldOf(engine: Engine, run: StoredRun, fromStart: boolean): Promise<Pick<LogCopy, "end" | "told">> {
  const last = await engine.journal.lastSeq(run.id);
  const [failed] = await engine.journal.events(run.id, last - 1, 1);
  const { failedKeys: forget = [], error = null } = isJsonObject(failed?.data) ? failed.data : {};
  const end = fromStart ? 0 : last - 1;
  const redriven = { from: run.id, at: end, redriven: true };
  return { end, told: fromStart ? redriven : { ...redriven, forget, error } };
}
