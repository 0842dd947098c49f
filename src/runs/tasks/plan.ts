import { baseErrors } from "../../base/index.ts";
import { runErrors } from "../errors.ts";

/** Is what a plan says of one of its runs: its own name, and the names of those that it needs. */
export interface PlannedNode {
  readonly ref?: string | undefined;
  readonly needs?: readonly string[] | undefined;
}

/** Gives for each run of a plan the places of those that it needs. Errors: invalid_input, dependency_unknown, dependency_cycle. */
export function resolvePlan(nodes: readonly PlannedNode[]): readonly (readonly number[])[] {
  const places = new Map<string, number>();
  for (const [place, { ref }] of nodes.entries()) {
    if (ref === undefined) continue;
    if (places.has(ref))
      throw baseErrors.create("invalid_input", `Two of the planned runs have the ref ${JSON.stringify(ref)}.`);
    places.set(ref, place);
  }
  const needs = nodes.map((node, place) => [
    ...new Set((node.needs ?? []).map((ref) => places.get(ref) ?? unknown(ref, nameOf(nodes, place)))),
  ]);
  const cycle = findCycle(needs);
  if (cycle.length === 0) return needs;
  const names = cycle.map((place) => nameOf(nodes, place));
  throw runErrors.create("dependency_cycle", `These runs need each other in a circle: ${names.join(" → ")}.`, {
    details: { cycle: names },
  });
}

function unknown(ref: string, by: string): never {
  throw runErrors.create(
    "dependency_unknown",
    `The run ${by} needs ${JSON.stringify(ref)}, which is no ref of the plan.`,
    {
      details: { ref },
    },
  );
}

function nameOf(nodes: readonly PlannedNode[], place: number): string {
  return nodes[place]?.ref ?? `#${place + 1}`;
}

/** Takes away what needs nothing that is left, again and again; what cannot be taken away leads into a circle. */
function findCycle(needs: readonly (readonly number[])[]): readonly number[] {
  const left = needs.map((each) => each.length);
  const neededBy = needs.map((): number[] => []);
  for (const [place, each] of needs.entries()) for (const need of each) neededBy[need]?.push(place);
  const free = left.flatMap((count, place) => (count === 0 ? [place] : []));
  for (const place of free) {
    for (const dependent of neededBy[place] ?? []) {
      const count = (left[dependent] ?? 0) - 1;
      left[dependent] = count;
      if (count === 0) free.push(dependent);
    }
  }
  const isLeft = (place: number): boolean => (left[place] ?? 0) > 0;
  const path: number[] = [];
  for (let at = left.findIndex((count) => count > 0); at !== -1; at = (needs[at] ?? []).find(isLeft) ?? -1) {
    const seen = path.indexOf(at);
    path.push(at);
    if (seen !== -1) return path.slice(seen);
  }
  return [];
}
