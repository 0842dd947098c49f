import type { Schema } from "../base/index.ts";
import type { RunContext, Workflow } from "./run.ts";

/** Is what a user writes to define a durable function. */
export interface WorkflowOptions<Input, Output> {
  /** Names the workflow in the database: keep it as long as runs of it may be unfinished. */
  readonly name: string;
  /** Checks the input when a run is started. */
  readonly input?: Schema<unknown, Input>;
  readonly run: (context: RunContext, input: Input) => Promise<Output>;
}

/**
 * Defines a durable function. Whatever is not pure (time, chance, I/O) belongs inside `context.step`.
 *
 * @example examples/durable-run.ts
 */
export function workflow<Input, Output>(options: WorkflowOptions<Input, Output>): Workflow<Input, Output> {
  return { kind: "workflow", name: options.name, input: options.input, run: options.run };
}
