import type { Enqueue } from "./call-host.ts";
import type { AnotherAttempt, Execution, Outcome, RunFailure } from "./execution.ts";

/** Is what works beside the executions, such as what takes runs from queues. It is closed before they are stopped. */
export interface EnginePart extends AsyncDisposable {
  /** Is told of each execution that ended, after its run was let go of. */
  ended?(execution: Execution, outcome: Outcome): void;
  /** Is told that another process may have written something. */
  hinted?(): void;
  /** Is told when a run begins to wait and nothing else, and when it goes on. */
  waiting?(execution: Execution, isWaiting: boolean): void;
  /** Says whether a run whose attempt failed is tried again. */
  failed?(failure: RunFailure): Promise<AnotherAttempt | undefined>;
  /** Is told of a run that this engine let go of because the store failed. */
  letGo?(runId: string): void;
  /** Makes a run that waits in a queue, and offers it. */
  enqueue?: Enqueue;
}
