import type { ErrorData } from "../../base/index.ts";
import type { Statement } from "../../storage/index.ts";
import { storageErrors } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { nextEvent, unfinished } from "../journal.ts";

/** Is a run that waits in a queue or for other runs, as it was seen. */
export interface WaitingRun {
  readonly id: string;
  readonly epoch: number;
}

/** Is how a run ends that nobody executes. `dead` makes a dead letter of it. */
export interface WaitingEnd {
  readonly status: "failed" | "cancelled" | "skipped";
  readonly error: ErrorData;
  readonly dead: boolean;
}

const endRun = `UPDATE run SET status = ?, error = ?, dead = ?, finished_at = ?, updated_at = ?
  WHERE id = ? AND epoch = ? AND status IN ('queued', 'blocked') AND owner IS NULL AND ${unfinished}`;
const forgetNeeds = "DELETE FROM run_dependency WHERE run_id = ?";

/**
 * Ends a run that waits, unless somebody took it, changed it or ended it meanwhile; tells whether it did. Who calls it tells the
 * engine of the end.
 */
export async function endWaiting(engine: Engine, run: WaitingRun, end: WaitingEnd): Promise<boolean> {
  const at = engine.clock.now();
  const { status, error, dead } = end;
  const params = [status, JSON.stringify(error), dead ? 1 : 0, at, at, run.id, run.epoch];
  const statements: Statement[] = [
    { sql: endRun, params, expectRows: 1 },
    nextEvent({ runId: run.id, type: `run.${status}`, at, data: { error: { ...error } } }),
    { sql: forgetNeeds, params: [run.id] },
  ];
  try {
    await engine.journal.write(statements);
  } catch (cause) {
    if (storageErrors.is(cause, "write_conflict")) return false;
    throw cause;
  }
  return true;
}
