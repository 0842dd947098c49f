import type { JsonObject } from "../base/index.ts";
import type { Statement } from "../storage/index.ts";
import type { Engine } from "./engine.ts";
import { nextEvent } from "./journal.ts";
import type { NewRun } from "./journal.ts";

/** How many entries one commit copies: a long log does not keep other commits waiting. */
const copyBatch = 2_000;
const copyLog = `INSERT INTO run_event(run_id, seq, type, key, at, data)
  SELECT ?1, seq, type, key, at, data FROM run_event WHERE run_id = ?2 AND seq > ?3 AND seq <= ?4`;
const setCheckpoint = `UPDATE run SET checkpoint_seq = coalesce(
  (SELECT max(seq) FROM run_event WHERE run_id = ?1 AND type = 'run.checkpointed'), 0) WHERE id = ?1`;

/** Says what of a log is copied: entries up to `end`; `told` stands in the entry that follows them. */
export interface LogCopy {
  readonly from: string;
  readonly end: number;
  readonly told: JsonObject;
  /** Goes into the commit that makes the run. */
  readonly also?: readonly Statement[];
}

/**
 * Makes a run whose log begins with another's. A long log is copied before the run is there, so nobody sees half of it; the run and
 * the last part of its log come in one commit.
 *
 * Errors: write_conflict when an unfinished run has its key, or one of the other statements does not change what it must.
 */
export async function copyRun(engine: Engine, run: NewRun, copy: LogCopy): Promise<void> {
  const { from, end, told, also = [] } = copy;
  // The first entry is the new run's own.
  let done = 1;
  try {
    for (; end - done > copyBatch; done += copyBatch)
      await engine.journal.write([copyOf(run.id, { from, after: done, end: done + copyBatch })]);
    await engine.journal.write([
      ...engine.journal.creation(run),
      copyOf(run.id, { from, after: done, end }),
      { sql: setCheckpoint, params: [run.id] },
      nextEvent({ runId: run.id, type: "run.forked", at: engine.clock.now(), data: told }),
      ...also,
    ]);
  } catch (cause) {
    if (done > 1) await engine.journal.write([{ sql: "DELETE FROM run_event WHERE run_id = ?", params: [run.id] }]);
    throw cause;
  }
}

function copyOf(id: string, { from, after, end }: { from: string; after: number; end: number }): Statement {
  return { sql: copyLog, params: [id, from, after, end] };
}
