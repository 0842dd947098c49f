import type { EdgeData } from "./edge.ts";
import { end } from "./edge.ts";
import type { Activation, GraphStructure } from "./structure.ts";

/** Knows which edges lead out of each node, and which nodes they may lead to. */
export interface Paths {
  /** Gives the edges of a node, those of higher priority first. */
  out(from: string, added: readonly EdgeData[]): readonly EdgeData[];
  /** Makes what tells of pending nodes which wait: branches meet there, and another one may still arrive. */
  holder(added: readonly EdgeData[], pending: readonly Activation[]): (activation: Activation) => boolean;
}

/** Gives the nodes that an edge may lead to; all of `names` for one that may lead anywhere. */
export function targetsOf(edge: EdgeData, names: readonly string[]): readonly string[] {
  if (edge.kind === "when")
    return edge.to === undefined ? [...names, end] : edge.to.length > 1 ? edge.to : [...edge.to, end];
  return edge.kind === "weighted" ? Object.keys(edge.to) : [edge.to];
}

/** Makes the paths of a structure. */
export function createPaths({ nodes, edges }: GraphStructure): Paths {
  const names = Object.keys(nodes);
  const outOf = (all: readonly EdgeData[]): ReadonlyMap<string, readonly EdgeData[]> =>
    new Map(
      [...Map.groupBy(all, ({ from }) => from)].map(([from, list]) => [
        from,
        list.toSorted((a, b) => priorityOf(b) - priorityOf(a)),
      ]),
    );
  const own = outOf(edges);
  // Edges are only ever added, and all snapshots of a run share them, so the last list is the one that is asked for.
  let known:
    | { readonly added: readonly EdgeData[]; readonly out: ReadonlyMap<string, readonly EdgeData[]> }
    | undefined;
  const withAdded = (added: readonly EdgeData[]): ReadonlyMap<string, readonly EdgeData[]> => {
    if (added.length === 0) return own;
    if (known?.added !== added) known = { added, out: outOf([...edges, ...added]) };
    return known.out;
  };
  const reach = new WeakMap<ReadonlyMap<string, readonly EdgeData[]>, Map<string, ReadonlySet<string>>>();
  const reached = (out: ReadonlyMap<string, readonly EdgeData[]>, from: string): ReadonlySet<string> => {
    const cache = reach.get(out) ?? new Map<string, ReadonlySet<string>>();
    reach.set(out, cache);
    const found =
      cache.get(from) ?? reachedFrom(from, (name) => (out.get(name) ?? []).flatMap((edge) => targetsOf(edge, names)));
    cache.set(from, found);
    return found;
  };
  const joins = new WeakMap<ReadonlyMap<string, readonly EdgeData[]>, ReadonlySet<string>>();
  const joinsOf = (out: ReadonlyMap<string, readonly EdgeData[]>): ReadonlySet<string> => {
    const found = joins.get(out) ?? new Set(meetings(out, names).filter((name) => nodes[name]?.join !== "any"));
    joins.set(out, found);
    return found;
  };
  return {
    out: (from, added) => withAdded(added).get(from) ?? [],
    holder(added, pending) {
      const out = withAdded(added);
      const meeting = joinsOf(out);
      const under = [...new Set(pending.map(({ node }) => node))];
      const held = new Set(
        under.filter(
          (node) => meeting.has(node) && under.some((other) => other !== node && reached(out, other).has(node)),
        ),
      );
      return ({ node, each }) => !each && held.has(node);
    },
  };
}

/** Gives all that can be come to from a node in one step or more. */
export function reachedFrom(from: string, next: (name: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const to of next(at)) {
      if (found.has(to)) continue;
      found.add(to);
      open.push(to);
    }
  }
  return found;
}

/** Gives the nodes that several may lead to. */
function meetings(out: ReadonlyMap<string, readonly EdgeData[]>, names: readonly string[]): readonly string[] {
  const sources = new Map<string, number>();
  for (const edges of out.values())
    for (const to of new Set(edges.flatMap((edge) => targetsOf(edge, names))))
      sources.set(to, (sources.get(to) ?? 0) + 1);
  return names.filter((name) => (sources.get(name) ?? 0) > 1);
}

function priorityOf(edge: EdgeData): number {
  return edge.kind === "edge" ? (edge.priority ?? 0) : 0;
}
