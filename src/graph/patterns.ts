import type { StateFunction } from "./condition.ts";
import type { Condition } from "./condition.ts";
import type { ChoiceEdge, EachEdge, Edge, End, PlainEdge } from "./edge.ts";
import { each, edge, end, start } from "./edge.ts";
import type { JsonValue } from "../base/index.ts";

// Edges of common shapes, to be spread into a graph's edges; each is a few lines, to be read and changed.

/** Makes the edges of nodes that follow each other, from the start to the end. */
export function chain<const Name extends string>(...names: readonly Name[]): readonly PlainEdge<Name, unknown>[] {
  return names.flatMap((name, index): PlainEdge<Name, unknown>[] => {
    const next = names[index + 1] ?? end;
    const to = { kind: "edge", from: name, to: next } as const;
    return index === 0 ? [start(name), to] : [to];
  });
}

/** Makes the edges of nodes that follow each other again and again while a condition holds, and then go on to `exit`. */
export function loop<const Name extends string, const Exit extends string, State = unknown>(
  names: readonly Name[],
  options: { readonly while: Condition<State>; readonly exit: Exit },
): readonly Edge<Name | Exclude<Exit, End>, State>[] {
  const [head] = names;
  const last = names.at(-1);
  if (head === undefined || last === undefined) return [];
  const back: ChoiceEdge<string, State> = { kind: "when", from: last, choose: options.while, to: [head, options.exit] };
  const edges = names.slice(1).map((name, index) => edge(names[index] ?? head, name));
  return [...edges, back] as readonly Edge<Name | Exclude<Exit, End>, State>[];
}

/** Makes the edges of one node that leads to several at once, which meet in another one. */
export function fanOut<const From extends string, const Name extends string, const To extends string>(
  from: From,
  names: readonly Name[],
  to: To,
): readonly PlainEdge<From | Name | Exclude<To, End>, unknown>[] {
  return names.flatMap((name) => [edge(from, name), edge(name, to)]);
}

/** Makes the edges of a node that runs once for each item of a list, and of the node where the results meet. */
export function mapEach<State, const From extends string, const Name extends string, const To extends string>(
  from: From,
  name: Name,
  options: { readonly items: string | StateFunction<State, readonly JsonValue[]>; readonly to: To },
): readonly (EachEdge<From | Name, State> | PlainEdge<Name | Exclude<To, End>, State>)[] {
  return [each(from, name, options.items), edge(name, options.to)];
}

/** Makes the edges of a node that leads to the node named by a key of the state, each of which goes on to `to`. */
export function router<const From extends string, const Name extends string, const To extends string>(
  from: From,
  names: readonly Name[],
  options: { readonly by: string; readonly to: To; readonly otherwise?: Name },
): readonly Edge<From | Name | Exclude<To, End>, unknown>[] {
  const { by, to, otherwise } = options;
  const ways: PlainEdge<From | Name, unknown>[] = names.map((name) => ({
    kind: "edge",
    from,
    to: name,
    if:
      name === otherwise
        ? { none: names.filter((other) => other !== name).map((is) => ({ path: by, is })) }
        : { path: by, is: name },
  }));
  return [...ways, ...names.map((name) => edge(name, to))];
}
