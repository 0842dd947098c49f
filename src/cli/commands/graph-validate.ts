import { structureProblems } from "../../graph/index.ts";
import type { Call } from "../command.ts";
import { count } from "../format.ts";
import { readGraphs } from "../graph-file.ts";
import { line, styled } from "../line.ts";

/** Checks the graphs of a file. Exits with 2 when one cannot work; a module's graphs are checked as they are made. */
export async function graphValidate(call: Call): Promise<number> {
  const { screen } = call;
  const checked = (await readGraphs(call)).map((graph) => ({
    name: graph.name,
    nodes: Object.keys("compiled" in graph ? graph.compiled.structure.nodes : graph.nodes).length,
    edges: ("compiled" in graph ? graph.compiled.structure.edges : graph.edges).length,
    problems: "compiled" in graph ? [] : structureProblems(graph),
  }));
  const isSound = checked.every(({ problems }) => problems.length === 0);
  if (screen.json) screen.printJson({ ok: isSound, graphs: checked });
  else {
    for (const { name, nodes, edges, problems } of checked) {
      const told = problems.length === 0 ? `${count(nodes, "node")}, ${count(edges, "edge")}` : problems.join("\n  ");
      screen.print(
        line`${styled(problems.length === 0 ? "green" : "red", problems.length === 0 ? "sound" : "broken")} ${styled("bold", name)}: ${told}`,
      );
    }
  }
  return isSound ? 0 : 2;
}
