import type { Compiled } from "./compile.ts";
import type { EdgeData, PlainEdge, WeightedEdge } from "./edge.ts";
import { graphErrors } from "./errors.ts";
import { edgeProblems } from "./validate.ts";

/** Checks an edge that a node adds to its run's graph, and gives it as plain data. Errors: graph_invalid. */
export function checkAdded(
  { structure, parts }: Compiled,
  added: readonly EdgeData[],
  edge: PlainEdge<string, never> | WeightedEdge<string, never>,
): EdgeData {
  const known = [...structure.edges, ...added];
  const asked = edge.kind === "edge" ? [edge.if] : Object.values(edge.if ?? {});
  const problems = asked.some((each) => typeof each === "function")
    ? [
        `The edge that is added from ${edge.from} asks a function; name it in the graph's conditions, so that the run can keep it.`,
      ]
    : edgeProblems({ ...structure, edges: [...known, edge as EdgeData] }, parts, known.length);
  if (problems.length === 0) return edge as EdgeData;
  throw graphErrors.create(
    "graph_invalid",
    `An edge cannot be added to the graph ${structure.name}: ${problems.join(" ")}`,
    {
      details: { graph: structure.name, problems },
    },
  );
}
