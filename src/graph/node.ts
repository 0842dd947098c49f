import type { Budget, Clock, JsonObject, JsonValue, Random, Schema } from "../base/index.ts";
import type {
  EmittedEvent,
  RetryPolicy,
  Runnable,
  StepContext,
  StepOptions,
  WaitOptions,
  Workflow,
} from "../runs/index.ts";
import type { Database } from "../storage/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { PlainEdge, WeightedEdge } from "./edge.ts";

/** Is what a runnable is called with: a workflow's own input; anything that JSON can say for the others. */
export type TakenBy<Target> = Target extends Workflow<infer Input, infer _> ? Input : JsonValue;

/** Is what a runnable that is called gives: a workflow's own output; anything that JSON can say from the others. */
export type GivenBy<Target> = Target extends Workflow<infer _, infer Output> ? Output : JsonValue;

/** Are the options of a question to a person. */
export interface InterruptOptions<T> {
  /** Checks the answer; one that does not fit is refused, and the wait goes on. */
  readonly schema?: Schema<unknown, T>;
  readonly timeoutMs?: number;
}

/**
 * Is what a node works with beside the state. Its body is one step of the run: after a crash a node that had not ended is done
 * again, and what it had asked for (steps, calls, answers) is given to it again.
 */
export interface NodeContext {
  readonly runId: string;
  /** The name of the node. */
  readonly node: string;
  /** Counts from 1: how often the node was come to. */
  readonly visit: number;
  /** What the edge brought: its `params`; `item` and `index` where an `each` led here. */
  readonly params: JsonObject;
  /** Aborts when the run is cancelled, its process stops, or the node's time is over. */
  readonly signal: AbortSignal;
  /** The same for every attempt of this visit, also after a crash. */
  readonly idempotencyKey: string;
  readonly clock: Clock;
  /** The same numbers in every execution of this visit. */
  readonly random: Random;
  readonly logger: Logger;
  readonly budget: Budget;
  readonly tenant: string | undefined;
  step<T>(name: string, body: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<T>;
  /** Runs a workflow, an agent, a team or a graph as a child, and gives what it gave. Errors: those of the child. */
  call<Target extends Runnable>(target: Target, input: TakenBy<Target>): Promise<GivenBy<Target>>;
  sleep(ms: number): Promise<void>;
  waitFor<T = JsonValue>(name: string, options?: WaitOptions<T>): Promise<T>;
  /** Takes what was sent with `run.steer(…)` since the last time. */
  steered(): Promise<readonly JsonValue[]>;
  emit(event: EmittedEvent): void;
  /**
   * Asks a person and waits, for days if need be, until somebody sends the answer: `run.signal(node, answer)`. The signal has the
   * name of the node; on later visits and for further questions that of the `question.asked` event. Errors: timed_out.
   */
  interrupt<T = JsonValue>(question: string, options?: InterruptOptions<T>): Promise<T>;
  /** Adds an edge to this run's graph, from when the node has ended. Errors: graph_invalid for one that leads nowhere or is there. */
  addEdge(edge: PlainEdge<string, never> | WeightedEdge<string, never>): void;
}

/** Is a node that is a function: it gets the state, and gives what is to be merged into it. */
export type NodeFunction<State> = (
  state: Readonly<State>,
  context: NodeContext,
) => Partial<State> | undefined | void | Promise<Partial<State> | undefined | void>;

/**
 * Is a target that works within its node, with the node's context, and has no run of its own: an adapter of something that runs by
 * itself and keeps its own place, such as a graph of LangGraph.
 */
export interface InnerTarget<Result = unknown> extends Runnable {
  within(input: JsonValue, around: InnerSurroundings): Promise<Result>;
}

/** Is what a target within a node works with. `database` is that of the run; undefined where there is none to use. */
export interface InnerSurroundings {
  readonly context: NodeContext;
  readonly database: Database | undefined;
  /** Does something once the node's outcome is recorded, such as to put away what is needed no more; a crash may leave it out. */
  afterwards(work: () => Promise<void>): void;
}

/** Is what a node may run beside a function: an agent, a team, a workflow, a graph, a tool. */
export type NodeTarget = Runnable;

/** Says how a node works that is more than a function. */
export interface NodeOptions<State, Result, Update> {
  /** What the target gets: a dotted path of the state, or a function of it. The state itself without it. */
  readonly input?: string | ((state: Readonly<State>, params: JsonObject) => unknown);
  /** What becomes of its result: the key of the state that it is put into, or a function. Without it the result is the update. */
  readonly output?: string | ((result: Result, state: Readonly<State>, params: JsonObject) => Update);
  /** Tries the node again when it fails; what had been asked for within and succeeded is not done again. */
  readonly retry?: RetryPolicy;
  /** Units: milliseconds, of each attempt. */
  readonly timeoutMs?: number;
  /**
   * What happens where branches meet: `all` (the default) waits as long as something that is under way may still lead here, and
   * runs once; `any` runs whenever a branch arrives.
   */
  readonly join?: "all" | "any";
  /** True when no edge need lead here: one that is added while the graph runs will. */
  readonly onDemand?: boolean;
}

/** Is a node with its options. Made by `node()`, or written as it is. */
export interface NodeDefinition<State, Update = Partial<State>> extends NodeOptions<State, never, Update> {
  readonly run: NodeTarget | NodeFunction<State>;
}

/** Is whatever can be a node. */
export type GraphNode<State> = NodeFunction<State> | NodeTarget | (NodeDefinition<State> & { readonly kind?: never });

/** Is what a target gives, as far as its definition tells. */
export type ResultOf<Target> = Target extends {
  readonly kind: "agent";
  readonly output?: Schema<unknown, infer Output> | undefined;
}
  ? Output
  : Target extends { readonly kind: "tool" | "workflow"; run(...args: never[]): infer Output }
    ? Awaited<Output>
    : Target extends InnerTarget<infer Output>
      ? Output
      : JsonValue;

/**
 * Makes a node of an agent, a team, a workflow, a graph or a tool, with what goes in and what comes out.
 *
 * @example examples/graph.ts
 */
export function node<State, const Target extends NodeTarget, Update = Partial<State>>(
  target: Target,
  options: NodeOptions<State, ResultOf<Target>, Update> = {},
): NodeDefinition<State, Update> {
  return { run: target, ...options };
}
