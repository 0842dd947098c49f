import type { JsonObject, JsonValue, Schema, SchemaInput, SchemaOutput } from "../base/index.ts";
import { baseErrors, isJsonObject } from "../base/index.ts";
import { partsOf, reassemble } from "./compile.ts";
import type { AnyStateFunction } from "./condition.ts";
import { edgeProblem } from "./edge-shape.ts";
import type { AnyGraph, Graph } from "./graph.ts";
import type { GraphNode } from "./node.ts";
import type { Reducer } from "./reducers.ts";
import { plainState } from "./plain-state.ts";
import type { GraphStructure } from "./structure.ts";
import { functionsOf, problemsOf } from "./validate.ts";

/**
 * Writes a graph as plain data: nodes, edges, names of conditions and reducers, limits. What is a function stands there by its name: a
 * node's by that of the node, a condition's by that in `conditions`, and one that has none by its place, such as `judge/1`.
 */
export function graphToJson({ compiled }: AnyGraph): GraphStructure {
  return compiled.structure;
}

/** Is what a graph that is read needs beside its plain data. */
export interface GraphFunctions<State extends Schema> {
  readonly state: State;
  /** What the nodes run, by the names of the nodes. */
  readonly nodes: Readonly<Record<string, GraphNode<SchemaOutput<State>>>>;
  readonly conditions?: Readonly<Record<string, AnyStateFunction<SchemaOutput<State>>>>;
  /** Own reducers; built-in ones are known. */
  readonly reducers?: readonly Reducer[];
}

/**
 * Makes a graph of plain data, which works as the one that was written does.
 *
 * Errors: graph_invalid, graph_part_missing for a node, condition or reducer that is not given; invalid_input for what is no graph.
 */
export function graphFromJson<State extends Schema>(
  json: JsonValue,
  functions: GraphFunctions<State>,
): Graph<SchemaInput<State>, SchemaOutput<State>> {
  const structure = readStructure(json);
  const { name, version } = structure;
  const { state, conditions = {}, reducers = [] } = functions;
  const parts = partsOf({ name, state, nodes: functions.nodes, conditions, reducers });
  const compiled = reassemble(structure, parts);
  return { kind: "graph", name, description: "", version, accepts: [], state, compiled };
}

/** Finds what is wrong with a graph as plain data, as far as it shows without its functions and the schema of its state. */
export function structureProblems(structure: GraphStructure): readonly string[] {
  const known = structure.edges.flatMap(functionsOf).map((name) => [name, () => undefined] as const);
  const parts = partsOf({ name: structure.name, state: plainState({}), nodes: {}, reducers: [] });
  return problemsOf(structure, { ...parts, keys: undefined, functions: new Map(known) });
}

/** Reads the plain data of a graph. Errors: invalid_input, naming what is wrong. */
export function readStructure(json: JsonValue): GraphStructure {
  if (!isJsonObject(json)) throw noGraph("it is no object");
  const { name, version = "1", nodes, edges, reducers = {}, limits = {} } = json;
  if (typeof name !== "string" || typeof version !== "string") throw noGraph("its name and version must be texts");
  if (!isJsonObject(nodes ?? null) || !Object.values(nodes as JsonObject).every(isNode))
    throw noGraph("nodes must be an object of { kind, target?, join?, onDemand?, input?, output? }");
  if (!Array.isArray(edges)) throw noGraph("edges must be a list");
  for (const [index, edge] of (edges as readonly JsonValue[]).entries()) {
    const problem = edgeProblem(edge);
    if (problem !== undefined) throw noGraph(`edge ${index + 1} ${problem}`);
  }
  if (!isJsonObject(reducers) || !isJsonObject(limits)) throw noGraph("reducers and limits must be objects");
  if (!Object.values(reducers).every((each) => typeof each === "string")) throw noGraph("reducers must be names");
  // Each part was looked at above; what it means is looked at by the validation.
  return { name, version, nodes, edges, reducers, limits } as unknown as GraphStructure;
}

function isNode(node: JsonValue): boolean {
  if (!isJsonObject(node) || typeof node["kind"] !== "string") return false;
  const { target, join, onDemand, input, output } = node;
  const areTexts = [target, input, output].every((each) => each === undefined || typeof each === "string");
  const isFlag = onDemand === undefined || typeof onDemand === "boolean";
  return areTexts && isFlag && (join === undefined || join === "all" || join === "any");
}

function noGraph(why: string): Error {
  return baseErrors.create("invalid_input", `The JSON is no graph: ${why}.`);
}
