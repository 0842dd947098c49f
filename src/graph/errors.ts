import { defineErrors } from "../base/index.ts";

/** Holds the error codes of the graph domain. */
export const graphErrors = defineErrors("graph", {
  graph_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A graph is defined in a way that cannot work.",
    fix: "Correct the node or edge that the message names; see them all with: atlas graph validate FILE.",
  },
  graph_state_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A node gave something that does not fit the state of its graph.",
    fix: "Give an object whose keys are of the state, or map the result with node(target, { output }).",
  },
  graph_route_unknown: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "While a graph ran, an edge led to a node that is not there, or had no way to go.",
    fix: "Let the condition that the message names give the name of a node of the graph, or end.",
  },
  graph_part_missing: {
    status: 409,
    retry: "changed",
    exitCode: 5,
    summary: "A graph that was written down names a node, condition or reducer that the program does not have.",
    fix: "Pass what the message names; for an unfinished run of an older graph keep it in the program.",
  },
  graph_steps_exceeded: {
    status: 422,
    retry: "changed",
    exitCode: 6,
    summary: "A graph made as many steps as it may and had not ended.",
    fix: "Look at the cycle that the message names; raise limits.maxSteps if it is meant to be that long.",
  },
  graph_timed_out: {
    status: 504,
    retry: "later",
    exitCode: 6,
    summary: "A graph, or a node of it, took longer than it may.",
    fix: "Raise limits.timeoutMs of the graph, or timeoutMs of the node that the message names.",
  },
  langgraph_failed: {
    status: 422,
    retry: "changed",
    exitCode: 1,
    summary: "LangGraph refused to go on with a graph of its own that is a node.",
    fix: "Correct the LangGraph graph as the message says; LangGraph's own code stands in the details.",
  },
});
