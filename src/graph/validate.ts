import { isName, nameForm } from "../base/index.ts";
import { conditionProblem } from "./condition.ts";
import type { ConditionData } from "./condition.ts";
import type { EdgeData } from "./edge.ts";
import { end, startPoint } from "./edge.ts";
import { reachedFrom, targetsOf } from "./paths.ts";
import type { GraphParts } from "./parts.ts";
import type { GraphStructure } from "./structure.ts";
import { typeProblems } from "./type-problems.ts";

const limitNames: readonly string[] = ["maxSteps", "maxParallel", "timeoutMs"];

/** Finds what is wrong with a graph, each a sentence that names the node or edge. Empty when it can work. */
export function problemsOf(structure: GraphStructure, parts: GraphParts): readonly string[] {
  const broken = [
    ...nameProblems(structure),
    ...structure.edges.flatMap((edge) => edgeProblems(structure, parts, edge)),
    ...doubled(structure.edges).map((edge) => `${describeEdge(edge)} is there twice.`),
  ];
  // What nodes lead to is only known when all edges lead somewhere.
  if (broken.length > 0) return broken;
  return [...wayProblems(structure), ...keyProblems(structure, parts), ...typeProblems(structure, parts)];
}

function nameProblems({ name, nodes, limits }: GraphStructure): readonly string[] {
  const problems: string[] = [];
  if (!isName(name)) problems.push(`Its name must be ${nameForm}.`);
  if (Object.keys(nodes).length === 0) problems.push("It has no nodes.");
  for (const node of Object.keys(nodes)) {
    if (node === end || node === startPoint)
      problems.push(`The node ${node} has a name that is the graph's own; give it another.`);
    else if (!isName(node)) problems.push(`The node name ${JSON.stringify(node)} must be ${nameForm}.`);
  }
  for (const [key, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    if (!limitNames.includes(key)) problems.push(`limits.${key} is no limit; limits are: ${limitNames.join(", ")}.`);
    else if (key === "timeoutMs" ? !(Number.isFinite(value) && value > 0) : !(Number.isInteger(value) && value > 0))
      problems.push(`limits.${key} must be a ${key === "timeoutMs" ? "" : "whole "}number above 0.`);
  }
  return problems;
}

/** Finds what is wrong with one edge of a graph. */
export function edgeProblems({ nodes }: GraphStructure, parts: GraphParts, edge: EdgeData): readonly string[] {
  const names = Object.keys(nodes);
  const called = describeEdge(edge);
  const problems = conditionsOf(edge).flatMap((each) => {
    const problem = typeof each === "string" ? undefined : conditionProblem(each);
    return problem === undefined ? [] : [`${called} ${problem}.`];
  });
  // Nothing else can be asked of what is no condition.
  if (problems.length > 0) return problems;
  if (edge.from !== startPoint && !Object.hasOwn(nodes, edge.from))
    problems.push(
      `${called} begins at ${JSON.stringify(edge.from)}, which is no node; the nodes are: ${names.join(", ")}.`,
    );
  for (const to of targetsOf(edge, names)) {
    if (to === end || Object.hasOwn(nodes, to)) continue;
    problems.push(
      `${called} leads to ${JSON.stringify(to)}, which is no node; the nodes are: ${[...names, end].join(", ")}.`,
    );
  }
  if (edge.kind === "when" && typeof edge.choose !== "string" && ![1, 2].includes(edge.to?.length ?? 0))
    problems.push(`${called} must say where it leads if its condition holds, and if not.`);
  if (edge.kind === "each" && edge.to === end) problems.push(`${called} must lead to a node.`);
  if (edge.kind === "weighted") {
    const weights = Object.values(edge.to);
    const isSound =
      weights.every((weight) => Number.isFinite(weight) && weight >= 0) && weights.some((weight) => weight > 0);
    if (!isSound) problems.push(`${called} needs weights of 0 or more, one of them above 0.`);
    for (const to of Object.keys(edge.if ?? {}))
      if (!Object.hasOwn(edge.to, to))
        problems.push(`${called} has a condition for ${JSON.stringify(to)}, to which it does not lead.`);
  }
  for (const name of functionsOf(edge))
    if (!parts.functions.has(name))
      problems.push(`${called} asks the condition ${JSON.stringify(name)}, which is not among the graph's conditions.`);
  for (const key of pathsOf(edge).map((path) => path.split(".")[0] ?? ""))
    if (parts.keys !== undefined && !parts.keys.has(key))
      problems.push(
        `${called} looks at ${JSON.stringify(key)}, which is no key of the state; it has: ${[...parts.keys].join(", ")}.`,
      );
  return problems;
}

/** Finds edges that are there twice: plain ones that lead the same way under the same condition, others that are the same. */
export function doubled(edges: readonly EdgeData[]): readonly EdgeData[] {
  const known = new Set<string>();
  return edges.filter((edge) => {
    const way = JSON.stringify(edge.kind === "edge" ? [edge.from, edge.to, edge.if] : edge);
    return known.size === known.add(way).size;
  });
}

/** Names an edge for people: `The edge judge → write`. */
export function describeEdge(edge: EdgeData): string {
  if (edge.kind === "when") return `The choice of ${edge.from}`;
  if (edge.kind === "weighted") return `The edge ${edge.from} → one of ${Object.keys(edge.to).join(", ")}`;
  return `The edge ${edge.from} → ${edge.kind === "each" ? "each " : ""}${edge.to}`;
}

/** Finds nodes that nothing leads to, that lead nowhere, or from which no way leads out. */
function wayProblems({ nodes, edges }: GraphStructure): readonly string[] {
  const names = Object.keys(nodes);
  const out = Map.groupBy(edges, ({ from }) => from);
  const next = (name: string): readonly string[] => (out.get(name) ?? []).flatMap((edge) => targetsOf(edge, names));
  if (!out.has(startPoint)) return [`No edge begins it; add start(${JSON.stringify(names[0] ?? "node")}).`];
  // What is led to on demand may lead on to others.
  const roots = [startPoint, ...names.filter((name) => nodes[name]?.onDemand === true)];
  const reached = new Set(roots.flatMap((root) => [...reachedFrom(root, next)]));
  const ways = Map.groupBy(
    names.flatMap((from) => next(from).map((to) => ({ from, to }))),
    ({ to }) => to,
  );
  const ending = reachedFrom(end, (to) => (ways.get(to) ?? []).map(({ from }) => from));
  const problems: string[] = [];
  for (const name of names) {
    const quoted = JSON.stringify(name);
    if (!reached.has(name) && nodes[name]?.onDemand !== true)
      problems.push(
        `Nothing leads to the node ${name}; add an edge to it, take it out, or say onDemand: true for one that is added while it runs.`,
      );
    else if (!out.has(name))
      problems.push(`The node ${name} leads nowhere; add an edge, such as edge(${quoted}, end).`);
    else if (!ending.has(name))
      problems.push(`No way leads from the node ${name} to the end; add one, such as when(${quoted}, …, end).`);
  }
  return problems;
}

/** Finds keys that the state does not have. */
function keyProblems({ nodes, reducers }: GraphStructure, { keys }: GraphParts): readonly string[] {
  if (keys === undefined) return [];
  const known = `the state has: ${[...keys].join(", ")}.`;
  const problems = Object.keys(reducers)
    .filter((key) => !keys.has(key))
    .map((key) => `There is a reducer for ${JSON.stringify(key)}; ${known}`);
  for (const [name, { input, output }] of Object.entries(nodes)) {
    const from = input?.split(".")[0];
    if (from !== undefined && from !== "params" && !keys.has(from))
      problems.push(`The node ${name} takes its input from ${JSON.stringify(from)}; ${known}`);
    if (output !== undefined && !keys.has(output))
      problems.push(`The node ${name} puts its output into ${JSON.stringify(output)}; ${known}`);
  }
  return problems;
}

/** Names the functions that an edge asks. */
export function functionsOf(edge: EdgeData): readonly string[] {
  if (edge.kind === "each") return typeof edge.items === "string" ? [edge.items] : [];
  return conditionsOf(edge).filter((each) => typeof each === "string");
}

function pathsOf(edge: EdgeData): readonly string[] {
  if (edge.kind === "each") return typeof edge.items === "string" ? [] : [edge.items.path];
  return conditionsOf(edge).flatMap((each) => (typeof each === "string" ? [] : pathsIn(each)));
}

function pathsIn(condition: ConditionData): readonly string[] {
  if ("all" in condition) return condition.all.flatMap(pathsIn);
  if ("any" in condition) return condition.any.flatMap(pathsIn);
  return "none" in condition ? condition.none.flatMap(pathsIn) : [condition.path];
}

function conditionsOf(edge: EdgeData): readonly (ConditionData | string)[] {
  if (edge.kind === "when") return [edge.choose];
  if (edge.kind === "edge") return edge.if === undefined ? [] : [edge.if];
  return edge.kind === "weighted" ? Object.values(edge.if ?? {}) : [];
}
