import { plain } from "./draw.ts";
import type { Drawing, DrawnEdge, DrawnNode } from "./draw.ts";

/** Units: pixels. */
const size = { width: 150, height: 40, across: 60, down: 70, margin: 30, label: 6.2 };
const fills = { visited: "#d7f0dd", active: "#ffe9b8", none: "#ffffff" };

interface Placed extends DrawnNode {
  readonly x: number;
  readonly y: number;
}

/** Draws a graph as SVG: each node below those that lead to it first, lines back at the side, labels beside their lines. */
export function drawSvg({ nodes, edges }: Drawing): string {
  const rows = rowsOf(nodes, edges);
  const widest = Math.max(...rows.map((row) => row.length));
  // Labels stand at the right of lines that go back.
  const words = Math.min(40, Math.max(0, ...edges.map(({ label }) => label.length))) * size.label;
  const drawn = widest * (size.width + size.across) + 2 * size.margin;
  const width = Math.ceil(drawn + size.across + words);
  const height = rows.length * (size.height + size.down) - size.down + 2 * size.margin;
  const placed = new Map(
    rows.flatMap((row, level) =>
      row.map((node, index): [string, Placed] => {
        const x = drawn / 2 + (index - (row.length - 1) / 2) * (size.width + size.across);
        return [node.name, { ...node, x, y: size.margin + level * (size.height + size.down) + size.height / 2 }];
      }),
    ),
  );
  const lines = edges.map((edge, index) => drawEdge(edge, placed, index));
  const boxes = [...placed.values()].map(drawNode);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...lines,
    ...boxes,
    "</svg>",
    "",
  ].join("\n");
}

/** Puts nodes in rows: by how far they are from the start, each under the middle of what leads to it. */
function rowsOf(nodes: readonly DrawnNode[], edges: readonly DrawnEdge[]): readonly (readonly DrawnNode[])[] {
  const level = new Map<string, number>([[nodes[0]?.name ?? "", 0]]);
  for (const [name, at] of level) {
    for (const { from, to } of edges) if (from === name && !level.has(to)) level.set(to, at + 1);
  }
  const last = Math.max(...level.values());
  // The end stands below everything.
  if (level.has("end"))
    level.set("end", Math.max(last, ...[...level].map(([name, at]) => (name === "end" ? 0 : at + 1))));
  const rows = [...Map.groupBy(nodes, ({ name }) => level.get(name) ?? last + 1)].toSorted(([a], [b]) => a - b);
  const order = new Map<string, number>();
  return rows.map(([, row]) => {
    const middle = ({ name }: DrawnNode): number => {
      const above = edges.flatMap(({ from, to }) => (to === name ? (order.get(from) ?? []) : []));
      return above.length === 0 ? 0 : above.reduce((sum, at) => sum + at, 0) / above.length;
    };
    const sorted = row.toSorted((a, b) => middle(a) - middle(b));
    for (const [index, { name }] of sorted.entries()) order.set(name, index - (sorted.length - 1) / 2);
    return sorted;
  });
}

function drawNode({ label, kind, state, x, y }: Placed): string {
  const { width, height } = size;
  const border = state === "active" ? 'stroke="#b7791f" stroke-width="3"' : 'stroke="#444"';
  const look = `fill="${fills[state]}" ${border}`;
  const round = kind === "point" ? height / 2 : kind === "function" ? 4 : height / 2;
  const w = kind === "point" ? height * 1.6 : width;
  const shape = `<rect x="${x - w / 2}" y="${y - height / 2}" width="${w}" height="${height}" rx="${round}" ${look}/>`;
  return `${shape}<text x="${x}" y="${y + 4}" text-anchor="middle">${escaped(shortened(label, w / size.label))}</text>`;
}

function drawEdge(
  { from, to, label, isDashed }: DrawnEdge,
  placed: ReadonlyMap<string, Placed>,
  index: number,
): string {
  const [a, b] = [placed.get(from), placed.get(to)];
  if (a === undefined || b === undefined) return "";
  const look = `fill="none" stroke="#555"${isDashed ? ' stroke-dasharray="5 4"' : ""} marker-end="url(#head)"`;
  const half = size.height / 2;
  const isNext = b.y > a.y && b.y - a.y <= size.height + size.down;
  // Lines that go back, far, or to the node itself leave at its right and come in there.
  const [right, out] = [size.width / 2, size.width / 2 + 50 + (index % 4) * 10];
  const apart = from === to ? 10 : 0;
  const path = isNext
    ? `M${a.x} ${a.y + half} C${a.x} ${a.y + half + 30} ${b.x} ${b.y - half - 30} ${b.x} ${b.y - half}`
    : `M${a.x + right} ${a.y - apart} C${a.x + out} ${a.y - apart} ${b.x + out} ${b.y + apart} ${b.x + right} ${b.y + apart}`;
  const [x, y] = isNext
    ? [a.x + (b.x - a.x) * 0.35 + 6, a.y + half + (b.y - a.y - size.height) * 0.4]
    : [(a.x + b.x) / 2 + right + (out - right) * 0.75 + 6, (a.y + b.y) / 2 - 6];
  const words =
    label === "" ? "" : `<text x="${x}" y="${y}" fill="#333" font-size="11">${escaped(shortened(label, 40))}</text>`;
  return `<path d="${path}" ${look}/>${words}`;
}

function shortened(label: string, length: number): string {
  if (label.length <= length) return label;
  // Cut between letters, not within one that takes two places.
  return `${label.slice(0, Math.max(1, Math.floor(length) - 1)).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

function escaped(label: string): string {
  return plain(label).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
