import type { JsonValue } from "../../base/index.ts";
import type { Engine } from "../engine.ts";
import type { AnotherAttempt, RunFailure } from "../execution.ts";
import { unfinished } from "../journal.ts";
import { dataOf } from "../plain.ts";
import { mayRetry, retryDelay } from "../step-retry.ts";

const waitAgain = `UPDATE run SET status = 'queued', owner = NULL, attempt = ?, due_at = ?, updated_at = ?
  WHERE id = ? AND epoch = ? AND control IS NULL AND ${unfinished}`;

/**
 * Says how a run goes on whose attempt failed: it waits in its queue for the next one; undefined when it has failed for good.
 * Runs without a queue are waited for by who began them, and are not tried again.
 */
export async function anotherAttempt(engine: Engine, failure: RunFailure): Promise<AnotherAttempt | undefined> {
  const { lease, attempt, error, forget } = failure;
  if (!mayRetry(error)) return undefined;
  const run = await engine.journal.load(lease.runId);
  if (run?.queue === undefined) return undefined;
  const policy = run.options.retry ?? engine.workflows.get(run.workflow)?.retry;
  if (policy === undefined || attempt >= policy.attempts) return undefined;
  const delayMs = retryDelay(policy, attempt, engine.options.random);
  const now = engine.clock.now();
  const dueAt = delayMs === 0 ? null : now + delayMs;
  const data: JsonValue = { error: dataOf(error), attempt: attempt + 1, dueAt, forget };
  const params = [attempt + 1, dueAt, now, lease.runId, lease.epoch];
  return { entry: { type: "run.retried", data }, statements: [{ sql: waitAgain, params, expectRows: 1 }] };
}
