import type { Clock } from "../base/index.ts";
import type { Statement } from "../storage/index.ts";
import type { Execution } from "./execution.ts";
import type { Journal, NewRun, StoredRun } from "./journal.ts";
import type { Owners } from "./owners.ts";
import type { AnyWorkflow, FollowOptions } from "./run.ts";

/** Is what calling children needs of the engine. */
export interface CallHost {
  readonly journal: Journal;
  readonly owners: Owners;
  readonly executions: ReadonlyMap<string, Execution>;
  readonly clock: Clock;
  executionOf(runId: string): Promise<Execution | undefined>;
  newRunId(): string;
  register(workflow: AnyWorkflow): void;
  follow(runId: string, options: FollowOptions): AsyncIterable<unknown>;
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
