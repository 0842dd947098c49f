import type { JsonObject, Schema } from "../base/index.ts";
import type { AnyStateFunction } from "./condition.ts";
import type { NodeDefinition } from "./node.ts";
import type { Reducer } from "./reducers.ts";

/** Is what a graph is made of in the program: what its structure names. */
export interface GraphParts {
  readonly state: Schema;
  /** The keys of the state; undefined when its schema does not tell, or any key is allowed. */
  readonly keys: ReadonlySet<string> | undefined;
  readonly nodes: ReadonlyMap<string, NodeDefinition<JsonObject, JsonObject>>;
  readonly functions: ReadonlyMap<string, AnyStateFunction<JsonObject>>;
  readonly reducers: ReadonlyMap<string, Reducer>;
}
