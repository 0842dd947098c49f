import type { RunHandle } from "../runs/index.ts";
import type { Graph } from "./graph.ts";
import type { GraphForkOptions, GraphState } from "./history.ts";

// What looks back is loaded when it is asked for: a program that only runs graphs does not pay for it.

/**
 * Gives the states that a run of a graph went through, the first one first, from its log and the graph's functions.
 *
 * Errors: graph_part_missing when the run is of something else, or its graph names what `graph` does not have.
 * Cost: reads the whole log.
 */
export async function graphHistory<State>(
  run: Pick<RunHandle<unknown>, "record" | "events">,
  graph: Graph<never, State>,
): Promise<readonly GraphState<State>[]> {
  return await (await import("./history.ts")).graphHistory(run, graph);
}

/**
 * Makes a new run that goes on from a state of another one's history, with other values where they are given. Nodes that had run
 * until then do not run again.
 *
 * Errors: graph_state_invalid, invalid_input for values that do not fit; checkpoint_unknown for a place before the first state.
 * @example examples/graph-interrupt.ts
 */
export async function forkGraph<State>(
  run: RunHandle<unknown>,
  graph: Graph<never, State>,
  options: GraphForkOptions<State> = {},
): Promise<RunHandle<State>> {
  return await (await import("./history.ts")).forkGraph(run, graph, options);
}
