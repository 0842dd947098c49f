import type { JsonObject, JsonValue } from "../../base/index.ts";
import type { Statement } from "../../storage/index.ts";
import { storageErrors } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { nextEvent } from "../journal.ts";
import type { StoredRun } from "../journal.ts";
import type { RedriveOptions } from "../queues.ts";
import { offer } from "./dependencies.ts";
import type { Turnstile } from "./turnstile.ts";

const markRedriven = "UPDATE run SET dead = 0, options = ?, updated_at = ? WHERE id = ? AND dead = 1";
/** Those that wait for the dead run wait for the new one. */
const moveDependents = "UPDATE run_dependency SET needs_id = ? WHERE needs_id = ?";
const countOn = "UPDATE run SET attempt = ?, checkpoint_seq = ? WHERE id = ?";
/** The first entry is the new run's own, the last one says that the old run failed. */
const copyLog = `INSERT INTO run_event(run_id, seq, type, key, at, data)
  SELECT ?1, seq, type, key, at, data FROM run_event WHERE run_id = ?2 AND seq > 1 AND seq < ?3`;

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
  const creation = engine.journal.creation({
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
  });
  const marks: Statement[] = [
    {
      sql: markRedriven,
      params: [JSON.stringify({ ...run.options, redriven: id }), at, run.id],
      expectRows: 1,
    },
    { sql: moveDependents, params: [id, run.id] },
    { sql: countOn, params: [run.attempt + 1, fromStart ? 0 : run.checkpointSeq, id] },
  ];
  const copy = fromStart ? [] : await copyOf(engine, run, id);
  try {
    await engine.journal.write([...creation, ...marks, ...copy]);
  } catch (cause) {
    if (storageErrors.is(cause, "write_conflict")) return [];
    throw cause;
  }
  await offer(engine, [{ runId: id, epoch: 0, workflow, tenant, ...place }]);
  return [id];
}

async function copyOf(engine: Engine, run: StoredRun, id: string): Promise<readonly Statement[]> {
  const last = await engine.journal.lastSeq(run.id);
  const [failed] = await engine.journal.events(run.id, last - 1, 1);
  const forget: JsonValue = (failed?.data as JsonObject | undefined)?.["failedKeys"] ?? [];
  // The failure itself is not copied; without it the story of the next dead letter would lack this attempt.
  const error = (failed?.data as JsonObject | undefined)?.["error"] ?? null;
  const data = { from: run.id, at: last - 1, redriven: true, forget, error };
  return [
    { sql: copyLog, params: [id, run.id, last] },
    nextEvent({ runId: id, type: "run.forked", at: engine.clock.now(), data }),
  ];
}
