import type { AtlasError } from "../base/index.ts";
import { runErrors } from "./errors.ts";
import type { StoredRun } from "./journal.ts";

/** Makes the error of work that the close of the engine cuts off. */
export function closedError(): AtlasError {
  return runErrors.create("run_interrupted", "Atlas was closed before the run had ended; the run is kept.");
}

/** Makes the error of a run that was cancelled. */
export function cancelledError(runId: string, reason: string): AtlasError {
  return runErrors.create("run_cancelled", `The run ${runId} was cancelled: ${reason}.`, {
    details: { runId, reason },
  });
}

/** Makes the error of a run that a live process has. */
export function ownedError(runId: string): AtlasError {
  return runErrors.create("run_owned", `A live process is executing the run ${runId}.`, { details: { runId } });
}

/** Makes the error of work whose process the others took for dead, so that its runs are no longer its own. */
export function fencedError(owner: string): AtlasError {
  return runErrors.create(
    "run_fenced",
    "This process gave no sign of life for too long; others have taken its runs over, and what it does of them is not recorded.",
    { details: { owner } },
  );
}

/** Makes the error of a run that ended its workers again and again. */
export function poisonedError(runId: string, losses: number): AtlasError {
  return runErrors.create(
    "run_poisoned",
    `The run ${runId} was taken over from ${losses} dead processes one after the other, and got no further in any of them.`,
    { details: { runId, losses } },
  );
}

/** Makes the error of a run whose workflow the program does not have. */
export function unknownWorkflow(run: StoredRun, known: readonly string[]): AtlasError {
  return runErrors.create(
    "workflow_unknown",
    `This program does not know the workflow "${run.workflow}" of the run ${run.id}.`,
    {
      details: { runId: run.id, workflow: run.workflow, known },
    },
  );
}

/** Makes the error of a run that began with a version of its workflow that the program does not accept. */
export function unknownVersion({ id, workflow, version }: StoredRun, known: string): AtlasError {
  return runErrors.create(
    "version_unknown",
    `The run ${id} began with version ${JSON.stringify(version)} of "${workflow}"; this program has ${JSON.stringify(known)} and does not accept it.`,
    { details: { runId: id, workflow, version, known } },
  );
}

/** Makes the error of a run that can no longer be changed. */
export function finishedError(run: StoredRun): Error {
  return runErrors.create("run_finished", `The run ${run.id} has ended (${run.status}).`, {
    details: { runId: run.id, status: run.status },
  });
}
