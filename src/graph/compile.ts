import type { JsonObject, Schema } from "../base/index.ts";
import { jsonSchemaOf } from "../base/index.ts";
import type { Runnable } from "../runs/index.ts";
import type { AnyStateFunction } from "./condition.ts";
import type { Edge, EdgeData, EdgeMap } from "./edge.ts";
import { graphErrors } from "./errors.ts";
import type { GraphNode, NodeDefinition } from "./node.ts";
import { builtInReducers } from "./reducers.ts";
import type { Reducer } from "./reducers.ts";
import type { GraphParts } from "./parts.ts";
import type { GraphLimits, GraphStructure, NodeData } from "./structure.ts";
import { functionsOf, problemsOf } from "./validate.ts";

/** Is a graph's definition with its types worn off: what is kept of it works on plain data. */
export interface Definition {
  readonly name: string;
  readonly version?: string;
  readonly state: Schema;
  readonly reducers?: Readonly<Record<string, Reducer>>;
  readonly nodes: Readonly<Record<string, GraphNode<never>>>;
  readonly edges: readonly Edge<string, never>[] | EdgeMap<string, never>;
  readonly conditions?: Readonly<Record<string, AnyStateFunction<never>>>;
  readonly limits?: GraphLimits;
}

/** Is a graph that can be run: its structure as plain data, and what it names. */
export interface Compiled {
  readonly structure: GraphStructure;
  /** The structure as text: two graphs of one text work alike. */
  readonly text: string;
  readonly parts: GraphParts;
  /** What its nodes call as child runs, so that those can be taken up by name. */
  readonly targets: readonly Runnable[];
}

/** Makes of a definition what can be run. Errors: graph_invalid with everything that is wrong. */
export function compile(definition: object): Compiled {
  // The types of a definition are for whoever writes it; here its values are asked what they are.
  const options = definition as Definition;
  const { name, version = "1", limits = {} } = options;
  const own = Object.entries(options.reducers ?? {});
  const functions = new Map(Object.entries(options.conditions ?? {})) as Map<string, AnyStateFunction<JsonObject>>;
  const edges = edgeList(options.edges).map((edge) => plainEdge(edge, functions));
  const parts = { ...partsOf({ ...options, reducers: own.map(([, each]) => each) }), functions };
  const structure: GraphStructure = {
    name,
    version,
    nodes: Object.fromEntries([...parts.nodes].map(([key, value]) => [key, nodeData(value)])),
    edges,
    reducers: Object.fromEntries(own.map(([key, each]) => [key, each.name])),
    limits,
  };
  return assemble(structure, parts);
}

/** Gathers by name what a structure may name. Errors: graph_invalid for two reducers of one name. */
export function partsOf(
  given: Pick<Definition, "name" | "state" | "conditions"> & {
    readonly nodes: Readonly<Record<string, object>>;
    readonly reducers: readonly Reducer[];
  },
): GraphParts {
  const { name, state, nodes, conditions = {}, reducers } = given;
  const byName = new Map(builtInReducers);
  for (const each of reducers) {
    const known = byName.get(each.name);
    // JSON tells reducers apart by their names, and so does a run.
    if (known !== undefined && known.apply !== each.apply) {
      const whose = builtInReducers.has(each.name) ? "a built-in reducer has" : "another reducer of it has";
      throw invalid(name, [`Its reducer ${JSON.stringify(each.name)} has the name that ${whose}; give it another.`]);
    }
    byName.set(each.name, each);
  }
  return {
    state,
    keys: keysOf(state),
    nodes: new Map(Object.entries(nodes).map(([key, value]) => [key, definitionOf(value)])),
    functions: new Map(Object.entries(conditions)) as Map<string, AnyStateFunction<JsonObject>>,
    reducers: byName,
  };
}

/** Puts a structure that was written down together with what the program has by its names. Errors: graph_invalid, graph_part_missing. */
export function reassemble(structure: GraphStructure, parts: GraphParts): Compiled {
  const { name } = structure;
  const lost = [
    ...Object.keys(structure.nodes)
      .filter((each) => !parts.nodes.has(each))
      .map((each) => `the node ${each}`),
    ...structure.edges
      .flatMap(functionsOf)
      .filter((each) => !parts.functions.has(each))
      .map((each) => `the condition ${each}`),
    ...Object.values(structure.reducers)
      .filter((each) => !parts.reducers.has(each))
      .map((each) => `the reducer ${each}`),
  ];
  if (lost.length > 0) {
    const message = `The graph ${name} was written down with what this program does not have: ${[...new Set(lost)].join(", ")}.`;
    throw graphErrors.create("graph_part_missing", message, { details: { graph: name, missing: lost } });
  }
  const nodes = new Map(
    Object.entries(structure.nodes).map(([key, { input, output }]) => {
      const known = parts.nodes.get(key) ?? { run: () => undefined };
      return [
        key,
        { ...known, ...(input === undefined ? {} : { input }), ...(output === undefined ? {} : { output }) },
      ];
    }),
  );
  return assemble(structure, { ...parts, nodes });
}

/** Puts a structure and what it names together. Errors: graph_invalid. */
export function assemble(structure: GraphStructure, parts: GraphParts): Compiled {
  const problems = problemsOf(structure, parts);
  if (problems.length > 0) throw invalid(structure.name, problems);
  const targets = [...parts.nodes.values()]
    .map(({ run }) => run)
    .filter((run) => typeof run !== "function")
    .filter((run) => run.kind !== "tool" && !("within" in run));
  return { structure, text: JSON.stringify(structure), parts, targets };
}

function invalid(name: string, problems: readonly string[]): Error {
  return graphErrors.create("graph_invalid", `The graph ${name} cannot work: ${problems.join(" ")}`, {
    details: { graph: name, problems },
  });
}

function definitionOf(value: object): NodeDefinition<JsonObject, JsonObject> {
  const found = typeof value === "function" || "kind" in value ? { run: value } : value;
  return found as NodeDefinition<JsonObject, JsonObject>;
}

function nodeData({ run, join, onDemand, input, output }: NodeDefinition<JsonObject, JsonObject>): NodeData {
  return {
    kind: typeof run === "function" ? "function" : run.kind,
    ...(typeof run === "function" ? {} : { target: run.name }),
    ...(join === undefined ? {} : { join }),
    ...(onDemand === true ? { onDemand } : {}),
    ...(typeof input === "string" ? { input } : {}),
    ...(typeof output === "string" ? { output } : {}),
  };
}

function edgeList(edges: Definition["edges"]): readonly Edge<string, never>[] {
  if (isEdgeList(edges)) return edges;
  return Object.entries(edges).flatMap(([from, to]): Edge<string, never>[] => {
    if (to === undefined) return [];
    if (typeof to === "function") return [{ kind: "when", from, choose: to }];
    return (typeof to === "string" ? [to] : to).map((each) => ({ kind: "edge", from, to: each }));
  });
}

function isEdgeList(edges: Definition["edges"]): edges is readonly Edge<string, never>[] {
  return Array.isArray(edges);
}

/** Writes an edge as plain data: functions get a name, their own one among the conditions or that of their place. */
function plainEdge(edge: Edge<string, never>, functions: Map<string, AnyStateFunction<JsonObject>>): EdgeData {
  const { from } = edge;
  const named = <T>(asked: T): Exclude<T, AnyStateFunction<never>> | string => {
    if (typeof asked !== "function") return asked as Exclude<T, AnyStateFunction<never>>;
    const given = asked as unknown as AnyStateFunction<JsonObject>;
    for (const [name, known] of functions) if (known === given) return name;
    let count = 1;
    while (functions.has(`${from}/${count}`)) count++;
    functions.set(`${from}/${count}`, given);
    return `${from}/${count}`;
  };
  if (edge.kind === "when") return { ...edge, choose: named(edge.choose) };
  if (edge.kind === "each") return { ...edge, items: named(edge.items) };
  if (edge.kind === "edge") {
    const { if: asked, ...rest } = edge;
    return asked === undefined ? rest : { ...rest, if: named(asked) };
  }
  const { if: asked, to, ...rest } = edge;
  const weights = { ...rest, to: to as Readonly<Record<string, number>> };
  if (asked === undefined) return weights;
  const conditions = Object.entries(asked).flatMap(([name, each]) =>
    each === undefined ? [] : [[name, named(each)] as const],
  );
  return { ...weights, if: Object.fromEntries(conditions) };
}

/** Gives the keys of a state, as far as its schema tells. */
function keysOf(state: Schema): ReadonlySet<string> | undefined {
  try {
    const { properties, additionalProperties } = jsonSchemaOf(state, "the state");
    if (typeof properties !== "object" || properties === null) return undefined;
    return additionalProperties === undefined || additionalProperties === false
      ? new Set(Object.keys(properties))
      : undefined;
  } catch {
    return undefined;
  }
}
