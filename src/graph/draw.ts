import type { ConditionData } from "./condition.ts";
import { describeCondition } from "./condition.ts";
import type { EdgeData } from "./edge.ts";
import { end, startPoint } from "./edge.ts";
import type { AnyGraph } from "./graph.ts";
import type { GraphState } from "./history.ts";
import { targetsOf } from "./paths.ts";
import type { GraphStructure } from "./structure.ts";

/** Says what of a run a drawing shows: the states that `graphHistory` gives. */
export interface DrawOptions {
  readonly history?: readonly GraphState<unknown>[];
}

/** Is a line of a drawing. `isDashed` is a way that is only taken sometimes. */
export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly isDashed: boolean;
}

/** Is what a drawing shows: points by name, in order, and lines. */
export interface Drawing {
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

/** Is a point of a drawing. `state` tells of a run: it was there, it is there. */
export interface DrawnNode {
  readonly name: string;
  readonly label: string;
  readonly kind: string;
  readonly state: "visited" | "active" | "none";
}

/** Gives what a drawing of a graph shows. A choice that does not list where it may lead is drawn to every node. */
export function drawingOf(graph: AnyGraph | GraphStructure, { history = [] }: DrawOptions = {}): Drawing {
  const { nodes, edges } = "compiled" in graph ? graph.compiled.structure : graph;
  const names = Object.keys(nodes);
  const visited = new Set(history.flatMap(({ nodes: done }) => done));
  const active = new Set(history.at(-1)?.next);
  const added = history.at(-1)?.added ?? [];
  const drawn = [...edges, ...added].flatMap((edge) => linesOf(edge, names));
  const endless = drawn.some(({ to }) => to === end) ? [end] : [];
  return {
    nodes: [startPoint, ...names, ...endless].map((name) => {
      const node = nodes[name];
      const kind = node?.kind ?? "point";
      const label = node?.target === undefined || node.target === name ? name : `${name} (${node.target})`;
      return { name, label, kind, state: active.has(name) ? "active" : visited.has(name) ? "visited" : "none" };
    }),
    edges: drawn,
  };
}

function linesOf(edge: EdgeData, names: readonly string[]): readonly DrawnEdge[] {
  const { from } = edge;
  if (edge.kind === "edge") return [{ from, to: edge.to, label: wordsOf(edge.if), isDashed: edge.if !== undefined }];
  if (edge.kind === "each") {
    const { to, items } = edge;
    return [{ from, to, label: `each of ${typeof items === "string" ? items : items.path}`, isDashed: false }];
  }
  if (edge.kind === "when") {
    const words = typeof edge.choose === "string" ? [] : [describeCondition(edge.choose), "else"];
    return targetsOf(edge, names).map((to, index) => ({ from, to, label: words[index] ?? "", isDashed: true }));
  }
  const sum = Object.values(edge.to).reduce((all, weight) => all + weight, 0);
  return Object.entries(edge.to).map(([to, weight]) => {
    const asked = wordsOf(edge.if?.[to]);
    const label =
      edge.by === "chance"
        ? [`${Math.round((100 * weight) / sum)} %`, asked].filter(Boolean).join(", ")
        : asked || "else";
    return { from, to, label, isDashed: true };
  });
}

function wordsOf(condition: ConditionData | string | undefined): string {
  if (condition === undefined) return "";
  return typeof condition === "string" ? condition : describeCondition(condition);
}

/** Draws a graph as a Mermaid flowchart; with a run's history, where it was and is. */
export function toMermaid(graph: AnyGraph | GraphStructure, options: DrawOptions = {}): string {
  const { nodes, edges } = drawingOf(graph, options);
  // Names of nodes may be words that Mermaid keeps for itself, such as "end".
  const ids = new Map(nodes.map(({ name }, index) => [name, `n${index}`]));
  const lines = nodes.map(({ name, label, kind }) => {
    const [open, close] = kind === "point" ? ["((", "))"] : kind === "function" ? ["[", "]"] : ["([", "])"];
    return `  ${ids.get(name)}${open}"${quoted(label)}"${close}`;
  });
  for (const { from, to, label, isDashed } of edges) {
    const arrow = isDashed ? "-.->" : "-->";
    lines.push(`  ${ids.get(from)} ${arrow}${label === "" ? "" : `|"${quoted(label)}"|`} ${ids.get(to)}`);
  }
  for (const state of ["visited", "active"] as const) {
    const those = nodes.filter((node) => node.state === state).map(({ name }) => ids.get(name));
    if (those.length > 0)
      lines.push(`  class ${those.join(",")} ${state};`, `  classDef ${state} ${mermaidStyle[state]};`);
  }
  return ["flowchart TD", ...lines, ""].join("\n");
}

const mermaidStyle = { visited: "fill:#d7f0dd,stroke:#2e7d46", active: "fill:#ffe9b8,stroke:#b7791f,stroke-width:3px" };
const dotStyle = {
  visited: ' style=filled fillcolor="#d7f0dd"',
  active: ' style=filled fillcolor="#ffe9b8" penwidth=3',
  none: "",
};

/** Draws a graph in the DOT language of Graphviz; with a run's history, where it was and is. */
export function toDot(graph: AnyGraph | GraphStructure, options: DrawOptions = {}): string {
  const { nodes, edges } = drawingOf(graph, options);
  const lines = nodes.map(({ name, label, kind, state }) => {
    const shape = kind === "point" ? "circle" : kind === "function" ? "box" : "ellipse";
    return `  ${text(name)} [label=${text(label)} shape=${shape}${dotStyle[state]}];`;
  });
  for (const { from, to, label, isDashed } of edges) {
    const looks = [label === "" ? "" : `label=${text(label)}`, isDashed ? "style=dashed" : ""]
      .filter(Boolean)
      .join(" ");
    lines.push(`  ${text(from)} -> ${text(to)}${looks === "" ? "" : ` [${looks}]`};`);
  }
  return ["digraph {", "  rankdir=TB;", ...lines, "}", ""].join("\n");
}

/**
 * Draws a graph as an SVG picture, from the start downwards.
 *
 * Cost: what lays it out is loaded when it is asked for.
 */
export async function toSvg(graph: AnyGraph | GraphStructure, options: DrawOptions = {}): Promise<string> {
  const { drawSvg } = await import("./svg.ts");
  return drawSvg(drawingOf(graph, options));
}

/** Writes a text as Mermaid takes it between quotes: what has a meaning there stands as its number, and a line ends with <br>. */
function quoted(label: string): string {
  return plain(label)
    .replace(/[^\p{L}\p{N} .,:()=≠<≤>≥%…_\n-]/gu, (sign) => `#${sign.codePointAt(0)};`)
    .replaceAll("<", "#60;")
    .replaceAll(">", "#62;")
    .replaceAll("\n", "<br>");
}

function text(value: string): string {
  return JSON.stringify(plain(value));
}

/** Takes out of a label what no picture can show, and what would not be text in a file. */
export function plain(label: string): string {
  return label
    .toWellFormed()
    .replaceAll(/\r\n?|[\u2028\u2029]/g, "\n")
    .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, (sign) => (sign === "\n" ? sign : "\uFFFD"));
}
