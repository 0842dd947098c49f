import type { Statement } from "../storage/index.ts";
import type { CancelHost } from "./cancel.ts";
import type { Execution } from "./execution.ts";
import type { NewRun, StoredRun } from "./journal.ts";
import type { AnyWorkflow } from "./run.ts";

/** Is what calling children needs of the engine. */
export interface CallHost extends CancelHost {
  readonly executions: Pick<ReadonlyMap<string, Execution>, "get">;
  newRunId(): string;
  register(workflow: AnyWorkflow): void;
  readonly enqueue: Enqueue;
  begin(
    run: NewRun,
    workflow: AnyWorkflow,
    write: (creation: readonly Statement[]) => Promise<void>,
  ): Promise<Execution>;
  takeUp(run: StoredRun): Promise<Execution>;
  isInterrupted(run: StoredRun): Promise<boolean>;
}

/** Says where a child waits for a worker. */
export interface ChildPlace {
  readonly queue: string;
  readonly priority: number;
}

/** Makes a run that waits in a queue, by a write of the caller's, and offers it to workers. */
export type Enqueue = (
  run: NewRun,
  place: ChildPlace,
  write: (creation: readonly Statement[]) => Promise<void>,
) => Promise<void>;
