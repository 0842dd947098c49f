import type { JsonObject, Schema, SchemaInput, SchemaOutput } from "../base/index.ts";
import type { Runnable } from "../runs/index.ts";
import type { AnyStateFunction } from "./condition.ts";
import type { Edge, EdgeMap } from "./edge.ts";
import type { GraphNode } from "./node.ts";
import type { Reducer } from "./reducers.ts";
import type { GraphLimits } from "./structure.ts";
import { compile } from "./compile.ts";
import type { Compiled } from "./compile.ts";

/** Is what a user writes to define a graph. All types come from `state`, and all names from `nodes`. */
export interface GraphOptions<State extends Schema, Name extends string> {
  /** Names the graph, also in the database: keep it as long as runs of it may be unfinished. */
  readonly name: string;
  readonly description?: string;
  /** Reads what a run begins with; its defaults fill the rest. What nodes give is plain data of its output type. */
  readonly state: State;
  /** How updates of a key are merged; they replace what is there without one. */
  readonly reducers?: { readonly [Key in keyof SchemaOutput<State>]?: Reducer };
  readonly nodes: { readonly [Key in Name]: GraphNode<SchemaOutput<State>> };
  /** A list of edges, or an object that tells for each node where it leads. */
  readonly edges: readonly Edge<NoInfer<Name>, SchemaOutput<State>>[] | EdgeMap<NoInfer<Name>, SchemaOutput<State>>;
  /** Functions that edges ask, by names that stand for them in JSON. */
  readonly conditions?: Readonly<Record<string, AnyStateFunction<SchemaOutput<State>>>>;
  readonly limits?: GraphLimits;
  /** Names the way its functions work; "1" by default. A run that began with another one is taken up only if `accepts` names it. */
  readonly version?: string;
  readonly accepts?: readonly string[];
}

/** Is a graph as Atlas runs it. Made by `graph()`. */
export interface Graph<Input = JsonObject, State = JsonObject> extends Runnable {
  readonly kind: "graph";
  readonly description: string;
  readonly version: string;
  readonly accepts: readonly string[];
  readonly state: Schema<unknown, State>;
  readonly compiled: Compiled;
  /** Holds no value: it carries the type of what a run begins with. */
  readonly begins?: (input: Input) => void;
}

/** Is any graph, whatever its state. */
export type AnyGraph = Graph<never, unknown>;

/**
 * Defines a graph: nodes that work on one state, and edges that say which comes next.
 *
 * Errors: graph_invalid, with everything that is wrong: nodes that nothing leads to or that lead nowhere, cycles without a way out,
 * edges to nodes that are not there, edges that are there twice, mappings and conditions that name no key of the state.
 * @example examples/graph.ts
 */
export function graph<State extends Schema, Name extends string>(
  options: GraphOptions<State, Name>,
): Graph<SchemaInput<State>, SchemaOutput<State>> {
  const { name, description = "", version = "1", accepts = [], state } = options;
  return { kind: "graph", name, description, version, accepts, state, compiled: compile(options) };
}
