import type { JsonValue } from "../base/index.ts";
import type { Compiled } from "./compile.ts";
import type { EdgeData, PlainEdge, WeightedEdge } from "./edge.ts";
import { edgeProblem } from "./edge-shape.ts";
import { graphErrors } from "./errors.ts";
import { describeEdge, doubled, edgeProblems } from "./validate.ts";

type AddedEdge = PlainEdge<string, never> | WeightedEdge<string, never>;

/** Checks an edge that a node adds to its run's graph, and gives it as plain data. Errors: graph_invalid. */
export function checkAdded({ structure, parts }: Compiled, added: readonly EdgeData[], edge: AddedEdge): EdgeData {
  const form = formProblem(edge);
  // What is of the form of an edge, and asks no function, is plain data.
  const plain = edge as EdgeData;
  const problems =
    form === undefined
      ? [
          ...edgeProblems(structure, parts, plain),
          ...(doubled([...structure.edges, ...added, plain]).includes(plain)
            ? [`${describeEdge(plain)} is there twice.`]
            : []),
        ]
      : [form];
  if (problems.length === 0) return plain;
  throw graphErrors.create(
    "graph_invalid",
    `An edge cannot be added to the graph ${structure.name}: ${problems.join(" ")}`,
    { details: { graph: structure.name, problems } },
  );
}

/** Tells what is wrong with the form of an edge: the compiler may not have looked at what a node adds. */
function formProblem(edge: AddedEdge | null | undefined): string | undefined {
  if (edge?.kind !== "edge" && edge?.kind !== "weighted") return "It is neither of edge(…) nor of oneOf(…).";
  const asked = edge.kind === "edge" ? [edge.if] : Object.values(edge.if ?? {});
  if (asked.some((each) => typeof each === "function"))
    return `The edge that is added from ${edge.from} asks a function; name it in the graph's conditions, so that the run can keep it.`;
  const problem = edgeProblem(edge as object as JsonValue);
  return problem === undefined ? undefined : `The edge that is added ${problem}.`;
}
