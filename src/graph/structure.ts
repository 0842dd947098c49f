import type { JsonObject } from "../base/index.ts";
import type { EdgeData } from "./edge.ts";

/**
 * Bounds what one run of a graph may do. Units: `maxSteps` rounds, in each of which all nodes that are due run (100 by default);
 * `maxParallel` nodes at once (16 by default); `timeoutMs` wall time of the run.
 */
export type GraphLimits = {
  readonly maxSteps?: number;
  readonly maxParallel?: number;
  readonly timeoutMs?: number;
};

/** Is a node as plain data. `kind` and `target` tell what it runs; its function or target is found by the node's name. */
export type NodeData = {
  readonly kind: string;
  readonly target?: string;
  readonly join?: "all" | "any";
  readonly onDemand?: boolean;
  readonly input?: string;
  readonly output?: string;
};

/** Is the structure of a graph as plain data: what a run keeps of it, what is drawn, and what is written to files. */
export type GraphStructure = {
  readonly name: string;
  readonly version: string;
  readonly nodes: Readonly<Record<string, NodeData>>;
  readonly edges: readonly EdgeData[];
  /** The names of the reducers, by key of the state. */
  readonly reducers: Readonly<Record<string, string>>;
  readonly limits: GraphLimits;
};

/** Is a node that is due, or waits for others. `each` marks one of several that a list led to. */
export type Activation = { readonly node: string; readonly params?: JsonObject; readonly each?: true };

/** Is what a node gave: an update of the state, and edges that it added. */
export type NodeOutcome = { readonly update?: JsonObject; readonly edges?: readonly EdgeData[] };

/** Is how far a run of a graph has come, between two of its steps. */
export type Snapshot = {
  readonly state: JsonObject;
  /** How many steps are done. */
  readonly step: number;
  /** How many nodes have run. */
  readonly done: number;
  readonly pending: readonly Activation[];
  readonly visits: Readonly<Record<string, number>>;
  readonly added: readonly EdgeData[];
  /** Begins what is by chance. */
  readonly seed: number;
  /** Units: ms since the Unix epoch; only where the graph has a time limit. */
  readonly startedAt?: number;
};
