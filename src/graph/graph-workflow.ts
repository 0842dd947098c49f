import type { JsonObject, JsonValue, Schema } from "../base/index.ts";
import { checkSchema, isJsonObject } from "../base/index.ts";
import type { Callable, Resolve, Workflow } from "../runs/index.ts";
import { workflow } from "../runs/index.ts";
import type { Database, Migration } from "../storage/index.ts";
import type { ToolOversight } from "../tools/index.ts";
import type { AnyGraph } from "./graph.ts";
import type { GraphInput } from "./graph-input.ts";
import { readStructure } from "./json.ts";

/** Is what the nodes of a graph work with: who allows and counts the calls of tools, and where targets within nodes keep their place. */
export interface GraphSurroundings extends ToolOversight {
  readonly database?: Database;
}

/**
 * Makes the workflow that runs a graph. Its input keeps the graph as it was when the run began, so that a run goes on as it began
 * though the program has a newer graph: functions are found by the names of their nodes and conditions.
 *
 * Order: the nodes of a step run at once; their updates are merged in the order of the edges that led to them.
 * Errors: graph_steps_exceeded, graph_timed_out, graph_route_unknown, graph_state_invalid, graph_part_missing; those of the nodes.
 */
export function graphWorkflow(
  graph: AnyGraph,
  resolve: Resolve,
  { database, ...tools }: GraphSurroundings = {},
): Workflow<JsonObject, JsonObject> {
  const { name, version, accepts } = graph;
  return workflow({
    name: `graph:${name}`,
    version,
    accepts,
    input: inputSchema(graph),
    async run(context, input) {
      // Loaded with the first run: a program that only defines graphs, or has none, does not pay for it.
      const { runGraph } = await import("./run-graph.ts");
      return await runGraph(graph, { context, resolve, tools, database }, input as GraphInput);
    },
  });
}

/** Makes a callable of a graph: it takes a state, or what its schema makes one of, and gives the state at its end. */
export function graphCallable(graph: AnyGraph, resolve: Resolve, surroundings?: GraphSurroundings): Callable {
  return {
    workflow: graphWorkflow(graph, resolve, surroundings),
    input: (value) => value,
    output: (result) => result as JsonValue,
  };
}

/** Reads the state that a run begins with, and puts the graph beside it; what is already so is left as it is. */
function inputSchema({ compiled, state, name }: AnyGraph): Schema<unknown, JsonObject> {
  return {
    "~standard": {
      version: 1,
      vendor: "atlas",
      async validate(value: unknown) {
        if (isGraphInput(value)) {
          // It has been read when the run began, or comes from where no one looked.
          readStructure(value["#graph"]);
          return { value };
        }
        const read = await checkSchema(state, value);
        if (!read.ok)
          return { issues: read.issues.map(({ path, message }) => ({ message, path: path === "" ? [] : [path] })) };
        if (isJsonObject(read.value)) return { value: { "#graph": compiled.structure, state: read.value } };
        return { issues: [{ message: `the state of the graph ${name} must be an object` }] };
      },
    },
  };
}

function isGraphInput(value: unknown): value is GraphInput {
  return typeof value === "object" && value !== null && "#graph" in value && "state" in value;
}

/** Gives the histories of the schemas of what graphs keep in `database`, by domain, for those who back it up. Cost: they are loaded here. */
export async function graphDomains(): Promise<Readonly<Record<string, readonly Migration[]>>> {
  const { langgraphHistory } = await import("./langgraph-schema.ts");
  return { langgraph: langgraphHistory() };
}
