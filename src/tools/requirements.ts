import { satisfiesVersion } from "../base/index.ts";
import type { AnyTool } from "./tool.ts";

/** Is one thing that keeps tools from working together. */
export interface ToolProblem {
  readonly tool: string;
  readonly kind: "missing" | "version" | "cycle";
  /** Is a sentence that names both tools. */
  readonly message: string;
}

/**
 * Finds what the tools of one agent require and do not have: tools that are not there, of another version, or in a circle.
 * Tools in `given` come from elsewhere when the agent runs; whatever their version, they are there.
 */
export function findToolProblems(tools: readonly AnyTool[], given: readonly string[] = []): readonly ToolProblem[] {
  const known = new Map(tools.map((each) => [each.name, each]));
  const problems: ToolProblem[] = [];
  for (const { name, requires } of tools) {
    for (const [needed, range] of Object.entries(requires)) {
      const found = known.get(needed);
      if (found === undefined) {
        if (given.includes(needed)) continue;
        problems.push({ tool: name, kind: "missing", message: `${name} requires the tool ${needed} (${range})` });
      } else if (!satisfiesVersion(found.version, range)) {
        const message = `${name} requires ${needed} in ${range}, and it is ${found.version}`;
        problems.push({ tool: name, kind: "version", message });
      }
    }
  }
  const circles = findCycles(new Map(tools.map((each) => [each.name, Object.keys(each.requires)])));
  return [
    ...problems,
    ...circles.map((circle): ToolProblem => ({
      tool: circle[0] ?? "",
      kind: "cycle",
      message: [...circle, circle[0]].join(" requires "),
    })),
  ];
}

/**
 * Finds circles in a graph of names: at least one where there is any, and one for each way back that the search meets.
 *
 * Order: by name; a circle begins with its first name.
 * Cost: names and arrows together.
 */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const done = new Set<string>();
  const circles: string[][] = [];
  for (const root of [...graph.keys()].toSorted()) {
    const path: string[] = [];
    const place = new Map<string, number>();
    // What is still to be looked at; undefined closes the name before it.
    const open: (string | undefined)[] = [root];
    while (open.length > 0) {
      const name = open.pop();
      if (name === undefined) {
        const left = path.pop();
        if (left !== undefined) place.delete(left);
        continue;
      }
      const from = place.get(name);
      if (from !== undefined) circles.push(path.slice(from));
      if (from !== undefined || done.has(name)) continue;
      done.add(name);
      place.set(name, path.length);
      path.push(name);
      const next = (graph.get(name) ?? []).filter((each) => graph.has(each)).toSorted();
      open.push(undefined, ...next.toReversed());
    }
  }
  return circles.map(fromFirst);
}

function fromFirst(circle: readonly string[]): readonly string[] {
  const start = circle.indexOf(circle.toSorted()[0] ?? "");
  return [...circle.slice(start), ...circle.slice(0, start)];
}
