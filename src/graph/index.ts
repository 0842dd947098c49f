export { graphErrors } from "./errors.ts";
export { graph } from "./graph.ts";
export type { AnyGraph, Graph, GraphOptions } from "./graph.ts";
export { graphCallable, graphDomains, graphWorkflow } from "./graph-workflow.ts";
export type { GraphSurroundings } from "./graph-workflow.ts";
export { node } from "./node.ts";
export type {
  GraphNode,
  InnerSurroundings,
  InnerTarget,
  InterruptOptions,
  NodeContext,
  NodeDefinition,
  NodeFunction,
  NodeOptions,
} from "./node.ts";
export { each, edge, end, oneOf, start, when } from "./edge.ts";
export type { Edge, EdgeData, EdgeMap, EdgeOptions } from "./edge.ts";
export type { Condition, ConditionData, StateFunction } from "./condition.ts";
export { add, append, first, max, merge, min, reducer, union } from "./reducers.ts";
export type { Reducer } from "./reducers.ts";
export type { GraphLimits, GraphStructure } from "./structure.ts";
export { graphFromJson, graphToJson, readStructure, structureProblems } from "./json.ts";
export type { GraphFunctions } from "./json.ts";
export { toDot, toMermaid, toSvg } from "./draw.ts";
export type { DrawOptions } from "./draw.ts";
export { forkGraph, graphHistory } from "./past.ts";
export type { GraphForkOptions, GraphState } from "./history.ts";
export { chain, fanOut, loop, mapEach, router } from "./patterns.ts";
export { controllerWithWorkers, retrievalAnswer } from "./ready.ts";
export type { ControllerOptions, ControllerState, RetrievalOptions, RetrievalState } from "./ready.ts";
