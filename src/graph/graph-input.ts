import type { JsonObject } from "../base/index.ts";
import type { GraphStructure, Snapshot } from "./structure.ts";

/** Is what a run of a graph is started with: the graph as it was then, and a state, or a place to go on from. */
export type GraphInput = {
  readonly "#graph": GraphStructure;
  readonly state: JsonObject;
  /** Where a fork with another state goes on. */
  readonly from?: Snapshot;
};
