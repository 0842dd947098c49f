import type { JsonObject, JsonValue } from "../base/index.ts";
import type { AnyWorkflow } from "./run.ts";

/** Is what a user defines and Atlas can start: a workflow, or what becomes one, such as an agent, a graph or a team. */
export interface Runnable {
  readonly kind: string;
  readonly name: string;
}

/**
 * Is a runnable as whoever calls it as a child takes it: its workflow, and how plain values go in and come out, so that a caller
 * need not know what it is. An agent takes a goal and gives its output; a workflow takes and gives what it is defined with.
 */
export interface Callable {
  readonly workflow: AnyWorkflow;
  /** Makes the workflow's input of a goal, or of other data; `options` are those of an agent's input and mean nothing elsewhere. */
  input(value: JsonValue, options?: JsonObject): unknown;
  /** Takes from what the workflow gave what a caller goes on with. */
  output(result: unknown): JsonValue;
}

/**
 * Makes a callable of a runnable, and its workflow known to the runs, so that children can be taken up by name.
 *
 * Errors: runnable_unknown for a kind that nobody makes a workflow of.
 */
export type Resolve = (runnable: Runnable) => Callable;
