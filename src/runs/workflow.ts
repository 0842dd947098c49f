import { baseErrors } from "../base/index.ts";
import type { Schema } from "../base/index.ts";
import type { RetryPolicy, RunContext, Workflow } from "./run.ts";

/** Is what a user writes to define a durable function. */
export interface WorkflowOptions<Input, Output> {
  /** Names the workflow in the database: keep it as long as runs of it may be unfinished. */
  readonly name: string;
  /** Checks the input when a run is started. */
  readonly input?: Schema<unknown, Input>;
  /** Names the way the function works; "1" by default. A run that began with another version is taken up only if `accepts` names it. */
  readonly version?: string;
  readonly accepts?: readonly string[];
  readonly retry?: RetryPolicy;
  /** Units: runs at once, over all workers. */
  readonly concurrency?: number;
  readonly run: (context: RunContext, input: Input) => Promise<Output>;
}

/**
 * Defines a durable function. Whatever is not pure (time, chance, I/O) belongs inside `context.step`.
 *
 * Errors: invalid_input for a name that is empty, longer than 200 characters, or holds control characters.
 * @example examples/durable-run.ts
 */
export function workflow<Input, Output>(options: WorkflowOptions<Input, Output>): Workflow<Input, Output> {
  checkName(options.name);
  const { name, input, version = "1", accepts = [], retry, concurrency, run } = options;
  return { kind: "workflow", name, input, version, accepts, retry, concurrency, run };
}

function checkName(name: string): void {
  if (name.length > 0 && name.length <= 200 && !/\p{Cc}/u.test(name)) return;
  throw baseErrors.create(
    "invalid_input",
    `The workflow name ${JSON.stringify(name.slice(0, 80))} must have 1 to 200 characters, none of them a control character.`,
  );
}
