import { parseSchema, stringifyJson } from "../../base/index.ts";
import { storageErrors } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { runErrors } from "../errors.ts";
import type { NewRun, StoredRun } from "../journal.ts";
import type { AnyWorkflow, PlannedRun, StartOptions } from "../run.ts";

/** Is a run that was accepted; `isNew` is false when an unfinished run of the same key was found. */
export interface AcceptedRun {
  readonly id: string;
  readonly isNew: boolean;
}

/** Accepts a run: checks its input, makes its row, and begins it here, or puts it into its queue. */
export async function startRun(
  engine: Engine,
  workflow: AnyWorkflow,
  input: unknown,
  options: StartOptions,
): Promise<AcceptedRun> {
  const read = workflow.input ? await parseSchema(workflow.input, input, `input of ${workflow.name}`) : input;
  const { key, tags = {}, tenant, budget } = options;
  const run: NewRun = {
    id: engine.newRunId(),
    workflow: workflow.name,
    version: workflow.version,
    status: "running",
    owner: await engine.owners.own(),
    input: stringifyJson(read, `input of ${workflow.name}`),
    key,
    tags,
    tenant,
    ...(budget === undefined ? {} : { options: { budget } }),
  };
  for (;;) {
    try {
      await engine.begin(run, workflow, (creation) => engine.journal.write(creation));
      return { id: run.id, isNew: true };
    } catch (cause) {
      if (!storageErrors.is(cause, "write_conflict") || key === undefined) throw cause;
    }
    const other = await engine.journal.unfinishedByKey(workflow.name, key, tenant);
    // It ended between the two looks: the key is free again.
    if (other === undefined) continue;
    if (await engine.isInterrupted(other)) await takeUpUnlessOwned(engine, other);
    return { id: other.id, isNew: false };
  }
}

/** Accepts several runs that may depend on each other, in one commit. */
export function startPlanned(_engine: Engine, planned: readonly PlannedRun[]): Promise<readonly AcceptedRun[]> {
  return Promise.reject(new Error(`${planned.length}: to be built`));
}

async function takeUpUnlessOwned(engine: Engine, run: StoredRun): Promise<void> {
  try {
    await engine.takeUp(run);
  } catch (error) {
    if (!runErrors.is(error, "run_owned")) throw error;
  }
}
