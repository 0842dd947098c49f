import type { JsonValue } from "../base/index.ts";
import { stringifyJson } from "../base/index.ts";
import { readEffects } from "./effects.ts";
import type { Engine } from "./engine.ts";
import { runErrors } from "./errors.ts";
import { unfinished } from "./journal.ts";
import type { StoredRun } from "./journal.ts";
import { pauseTree, unpauseTree } from "./pause.ts";
import { finishedError, ownedError } from "./refusals.ts";
import { assertPlainName } from "./replay.ts";
import type { EffectDecision } from "./run.ts";
import { decisionOn, steering } from "./signals.ts";

/** Asks a run and its children to stop before their next step. Errors: run_finished. */
export async function pauseRun(engine: Engine, run: StoredRun): Promise<void> {
  if (!(await pauseTree(engine, run.id))) throw await ended(engine, run);
}

/** Ends a pause of a run and its children, and takes the run up here if nobody has it. Errors: run_finished, run_owned, workflow_unknown. */
export async function resumeRun(engine: Engine, run: StoredRun): Promise<void> {
  const resumed = await unpauseTree(engine, run.id);
  if (resumed === undefined) throw await ended(engine, run);
  const place = await engine.placeOf(resumed);
  // A run that was held goes on wherever it is; what nobody holds here is for those who know its workflow.
  if (run.paused && (place !== "nowhere" || !engine.workflows.has(run.workflow))) return;
  if (place === "here" || place === "queued") return;
  if (place === "elsewhere") throw ownedError(run.id);
  try {
    await engine.takeUp(resumed);
  } catch (error) {
    if (!runErrors.is(error, "run_owned")) throw error;
    // Somebody was first: here, which is as well, or the run has even ended meanwhile.
    const now = await engine.journal.load(run.id);
    if (now?.finishedAt !== undefined) throw finishedError(now);
    if ((await engine.placeOf(now)) !== "here") throw error;
  }
}

async function ended(engine: Engine, run: StoredRun): Promise<Error> {
  return finishedError((await engine.journal.load(run.id)) ?? run);
}

/** Sends input to a live run. Errors: run_finished. */
export async function steerRun(engine: Engine, run: StoredRun, input: JsonValue): Promise<void> {
  await send(engine, run, { name: steering, payload: stringifyJson(input, "input that steers the run") });
}

/** Keeps a signal for a run until the run waits for it. Errors: run_finished, signal_unexpected, invalid_input. */
export async function sendSignal(
  engine: Engine,
  run: StoredRun,
  sent: { readonly name: string; readonly payload: JsonValue; readonly expected?: boolean | undefined },
): Promise<void> {
  const { name, expected = false } = sent;
  assertPlainName(name);
  const payload = stringifyJson(sent.payload, `payload of the signal ${name}`);
  await send(engine, run, { name, payload, ...(expected ? { when: isAwaited } : {}) });
}

/** Is a signal on its way. `when` is the SQL condition (`?1` the run, `?2` the name) on which it is kept. */
interface Sending {
  readonly name: string;
  readonly payload: string;
  readonly when?: string;
}

/** More waits of the name are open than signals of it are there to be taken. */
const isAwaited = `(SELECT count(*) FROM run_event a WHERE a.run_id = ?1 AND a.type = 'signal.awaited'
    AND a.seq > run.checkpoint_seq AND (a.key = 'signal:' || ?2 OR substr(a.key, 1, length(?2) + 8) = 'signal:' || ?2 || '#')
    AND NOT EXISTS (SELECT 1 FROM run_event b WHERE b.run_id = ?1 AND b.seq > a.seq AND b.key = a.key
      AND b.type IN ('signal.received', 'signal.timed_out')))
  > (SELECT count(*) FROM run_signal s WHERE s.run_id = ?1 AND s.name = ?2)`;

async function send(engine: Engine, run: StoredRun, { name, payload, when = "1 = 1" }: Sending): Promise<void> {
  const sql = `INSERT INTO run_signal(run_id, name, payload) SELECT id, ?2, ?3 FROM run
    WHERE id = ?1 AND ${unfinished} AND ${when}`;
  const [sent] = await engine.options.database.write([{ sql, params: [run.id, name, payload] }]);
  if (sent?.changes !== 1) {
    const now = (await engine.journal.load(run.id)) ?? run;
    if (now.finishedAt !== undefined) throw finishedError(now);
    throw runErrors.create("signal_unexpected", `The run ${run.id} does not wait for the signal "${name}" now.`, {
      details: { runId: run.id, signal: name },
    });
  }
  engine.bell.ring(run.id);
  engine.notify();
}

const isUndecided = "NOT EXISTS (SELECT 1 FROM run_signal s WHERE s.run_id = ?1 AND s.name = ?2)";

/** Says what became of an effect whose outcome nobody knew. Errors: run_finished, effect_not_parked, invalid_input. */
export async function decideEffect(
  engine: Engine,
  run: StoredRun,
  { key, decision }: { readonly key: string; readonly decision: EffectDecision },
): Promise<void> {
  if (run.finishedAt !== undefined) throw finishedError(run);
  const payload = stringifyJson(decision, `decision on ${key}`);
  const effects = await readEffects(engine.journal, run.id);
  const details = { runId: run.id, key };
  const refusal = runErrors.create("effect_not_parked", `No effect ${key} of the run ${run.id} waits for a decision.`, {
    details,
  });
  if (!effects.some((effect) => effect.key === key && effect.state === "parked")) throw refusal;
  try {
    await send(engine, run, { name: decisionOn(key), payload, when: isUndecided });
  } catch (cause) {
    throw runErrors.is(cause, "signal_unexpected") ? refusal : cause;
  }
}
