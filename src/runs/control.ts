import type { JsonValue } from "../base/index.ts";
import { stringifyJson } from "../base/index.ts";
import { finishedError, ownedError } from "./refusals.ts";
import type { Engine } from "./engine.ts";
import type { StoredRun } from "./journal.ts";
import type { EffectDecision } from "./run.ts";

/** Asks a run and its children to stop before their next step. */
export function pauseRun(_engine: Engine, run: StoredRun): Promise<void> {
  return Promise.reject(new Error(`${run.id}: to be built`));
}

/** Ends a pause of a run and its children, and takes the run up here if nobody has it. */
export async function resumeRun(engine: Engine, run: StoredRun): Promise<void> {
  if (run.finishedAt !== undefined) throw finishedError(run);
  if (engine.executions.has(run.id)) return;
  if (!(await engine.isInterrupted(run))) throw ownedError(run.id);
  await engine.takeUp(run);
}

/** Sends input to a live run. */
export function steerRun(_engine: Engine, run: StoredRun, _input: JsonValue): Promise<void> {
  return Promise.reject(new Error(`${run.id}: to be built`));
}

/** Keeps a signal for a run until the run waits for it. Errors: run_finished. */
export async function sendSignal(
  engine: Engine,
  run: StoredRun,
  { name, payload }: { readonly name: string; readonly payload: JsonValue; readonly expected?: boolean | undefined },
): Promise<void> {
  const text = stringifyJson(payload, `payload of the signal ${name}`);
  if (!(await engine.journal.sendSignal(run.id, name, text))) throw finishedError(run);
  engine.bell.ring(run.id);
  engine.notify();
}

/** Says what became of an effect whose outcome nobody knew. */
export function decideEffect(
  _engine: Engine,
  run: StoredRun,
  _decided: { readonly key: string; readonly decision: EffectDecision },
): Promise<void> {
  return Promise.reject(new Error(`${run.id}: to be built`));
}
