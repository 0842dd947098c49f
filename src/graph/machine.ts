import type { JsonObject, JsonValue } from "../base/index.ts";
import { isAtlasError, isJsonObject, seededRandom } from "../base/index.ts";
import type { AnyStateFunction, ConditionData } from "./condition.ts";
import { describeCondition, holds, valueAt } from "./condition.ts";
import type { EdgeData } from "./edge.ts";
import { end, startPoint } from "./edge.ts";
import { graphErrors } from "./errors.ts";
import { frozen } from "./frozen.ts";
import { createPaths } from "./paths.ts";
import type { Reducer } from "./reducers.ts";
import type { Activation, GraphStructure, NodeOutcome, Snapshot } from "./structure.ts";

/** Is what a graph's structure names: found by name in the program. */
export interface MachineParts {
  readonly functions: ReadonlyMap<string, AnyStateFunction<JsonObject>>;
  readonly reducers: ReadonlyMap<string, Reducer>;
}

/** Is what is due in a step, and what waits for branches that are still under way. */
export interface Due {
  readonly ready: readonly Activation[];
  readonly held: readonly Activation[];
}

/**
 * Goes from one step of a graph to the next: merges what nodes gave and finds what they lead to. It does nothing else, so that
 * the same structure, seed and outcomes always give the same states, live, replayed and in hindsight.
 *
 * Order: updates are merged in the order in which edges led to their nodes, not in that of their completion.
 */
export interface Machine {
  begin(state: JsonObject, seed: number): Snapshot;
  due(snapshot: Snapshot): Due;
  advance(snapshot: Snapshot, due: Due, outcomes: readonly NodeOutcome[]): Snapshot;
}

/** How many items one `each` may lead to. */
const maxItems = 100_000;

/** One for each graph that was run: made when a run of it begins, so that a program that only defines it does not pay. */
const machines = new WeakMap<object, Machine>();

/** Gives the machine of a graph, made once. Errors: graph_part_missing when a reducer that it names is not among the parts. */
export function machineOf(graph: { readonly structure: GraphStructure; readonly parts: MachineParts }): Machine {
  const known = machines.get(graph);
  if (known !== undefined) return known;
  const machine = createMachine(graph.structure, graph.parts);
  machines.set(graph, machine);
  return machine;
}

/** Makes the machine of a structure. Errors: graph_part_missing when a reducer that it names is not among the parts. */
export function createMachine(structure: GraphStructure, parts: MachineParts): Machine {
  const reducers = reducersOf(structure, parts);
  const paths = createPaths(structure);
  const route = createRoute(structure, parts, (from, added) => paths.out(from, added));
  return {
    begin(state, seed) {
      const empty: Snapshot = { state: frozen(state), step: 0, done: 0, pending: [], visits: {}, added: [], seed };
      return { ...empty, pending: gather([route(empty, { node: startPoint }, 1)]) };
    },
    due(snapshot) {
      const { pending } = snapshot;
      if (pending.length < 2) return { ready: pending, held: [] };
      const isHeld = paths.holder(snapshot.added, pending);
      const ready = pending.filter((each) => !isHeld(each));
      // Branches that wait for each other wait for nothing else.
      return ready.length === 0 ? { ready: pending, held: [] } : { ready, held: pending.filter(isHeld) };
    },
    advance(snapshot, { ready, held }, outcomes) {
      const visits = { ...snapshot.visits };
      const state = { ...snapshot.state };
      const counts = visitsOf(snapshot, ready);
      for (const [index, { node }] of ready.entries()) {
        mergeInto(state, { node, update: outcomes[index]?.update, reducers });
        visits[node] = counts[index] ?? 1;
      }
      const edges = outcomes.flatMap((outcome) => outcome.edges ?? []);
      const next: Snapshot = {
        ...snapshot,
        state: Object.freeze(state),
        step: snapshot.step + 1,
        done: snapshot.done + ready.length,
        visits,
        added: edges.length === 0 ? snapshot.added : [...snapshot.added, ...edges],
      };
      const arrived = ready.map((each, index) => route(next, each, counts[index] ?? 1));
      return { ...next, pending: gather([held, ...arrived]) };
    },
  };
}

/** Counts which visit of its node each of those is that are due. */
export function visitsOf({ visits }: Snapshot, ready: readonly Activation[]): readonly number[] {
  const counts = new Map<string, number>();
  return ready.map(({ node }) => {
    const count = (counts.get(node) ?? own(visits, node) ?? 0) + 1;
    counts.set(node, count);
    return count;
  });
}

/** Gives what stands under a name, which may be one that every object answers to, such as "constructor". */
function own<T>(all: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(all, name) ? all[name] : undefined;
}

/** Merges branches that arrive at one node; items of lists stay apart. */
function gather(lists: readonly (readonly Activation[])[]): readonly Activation[] {
  const [only = []] = lists;
  if (lists.length === 1 && only.length < 2) return only;
  const places = new Map<string, number>();
  const found: Activation[] = [];
  for (const list of lists) {
    for (const each of list) {
      const place = each.each ? undefined : places.get(each.node);
      const there = place === undefined ? undefined : found[place];
      if (place !== undefined && there !== undefined) {
        if (each.params) found[place] = { ...there, params: { ...there.params, ...each.params } };
      } else {
        if (!each.each) places.set(each.node, found.length);
        found.push(each);
      }
    }
  }
  return found;
}

function reducersOf({ name: graph, reducers }: GraphStructure, parts: MachineParts): ReadonlyMap<string, Reducer> {
  return new Map(Object.entries(reducers).map(([key, name]) => [key, found(parts.reducers.get(name), graph, name)]));
}

function found<T>(part: T | undefined, graph: string, name: string): T {
  if (part !== undefined) return part;
  const message = `The graph ${graph} names ${JSON.stringify(name)}, which the program does not have.`;
  throw graphErrors.create("graph_part_missing", message, { details: { graph, missing: [name] } });
}

interface Merging {
  readonly node: string;
  readonly update: JsonObject | undefined;
  readonly reducers: ReadonlyMap<string, Reducer>;
}

function mergeInto(state: Record<string, JsonValue>, { node, update, reducers }: Merging): void {
  for (const [key, value] of Object.entries(update ?? {})) {
    const by = reducers.get(key);
    try {
      state[key] = frozen(by === undefined ? value : by.apply(own(state, key), frozen(value)));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `The node ${node} gave something for ${key} that its reducer ${by?.name ?? ""} cannot merge: ${why}.`;
      throw graphErrors.create("graph_state_invalid", message, { details: { node, key }, cause });
    }
  }
}

/** Is where an edge leads from. */
interface Place {
  readonly snapshot: Snapshot;
  readonly at: Activation;
  readonly visit: number;
  /** The nodes that empty lists led past on the way here. */
  readonly over: readonly string[];
}

type Route = (snapshot: Snapshot, at: Activation, visit: number) => readonly Activation[];

function createRoute(
  structure: GraphStructure,
  parts: MachineParts,
  out: (from: string, added: readonly EdgeData[]) => readonly EdgeData[],
): Route {
  const ask = asker(structure, parts);
  const isTaken = (condition: ConditionData | string | undefined, place: Place): boolean => {
    if (condition === undefined) return true;
    return typeof condition === "string" ? ask(condition, place) === true : holds(condition, place.snapshot.state);
  };
  const arrive = (to: unknown, { at }: Place, params?: JsonObject): Activation | undefined => {
    if (to === end) return undefined;
    if (typeof to === "string" && Object.hasOwn(structure.nodes, to))
      return params ? { node: to, params } : { node: to };
    throw unknownTarget(structure, at.node, to);
  };
  /** What an edge leads to; undefined when it is not taken. */
  const follow = (edge: EdgeData, place: Place, index: number): readonly (Activation | undefined)[] | undefined => {
    if (edge.kind === "edge") return isTaken(edge.if, place) ? [arrive(edge.to, place, edge.params)] : undefined;
    if (edge.kind === "weighted") {
      const open = Object.entries(edge.to).filter(
        ([to, weight]) => weight > 0 && isTaken(own(edge.if ?? {}, to), place),
      );
      const chosen = edge.by === "chance" ? byChance(open, place, index) : byWeight(open);
      return chosen === undefined ? undefined : [arrive(chosen, place)];
    }
    if (edge.kind === "when") {
      const { choose, to: ways } = edge;
      const asked = typeof choose === "string" ? ask(choose, place) : holds(choose, place.snapshot.state);
      const chosen = typeof asked === "boolean" && ways !== undefined ? (ways[asked ? 0 : 1] ?? end) : asked;
      return (Array.isArray(chosen) ? chosen : [chosen]).map((to: unknown) => {
        if (ways === undefined || to === end || ways.some((each) => each === to)) return arrive(to, place);
        throw unknownTarget({ ...structure, nodes: pick(structure.nodes, ways) }, place.at.node, to);
      });
    }
    const items =
      typeof edge.items === "string" ? ask(edge.items, place) : valueAt(place.snapshot.state, edge.items.path);
    if (!Array.isArray(items) || items.length > maxItems) throw noItems(edge, items);
    if (items.length === 0) return leave({ ...place, at: { node: edge.to }, over: [...place.over, edge.to] });
    return items.map((item: JsonValue, at) => ({
      node: edge.to,
      params: { item: frozen(item), index: at },
      each: true,
    }));
  };
  const leave = (place: Place): readonly (Activation | undefined)[] => {
    const { at, snapshot, over } = place;
    const edges = out(at.node, snapshot.added).filter((edge) => edge.kind !== "each" || !over.includes(edge.to));
    const taken = edges.map((edge, index) => follow(edge, place, index)).filter((each) => each !== undefined);
    if (taken.length === 0 && over.length === 0) throw noWay(structure, at.node, edges);
    return taken.flat();
  };
  return (snapshot, at, visit) => leave({ snapshot, at, visit, over: [] }).filter((each) => each !== undefined);
}

/** Makes what asks a function of an edge. Errors: graph_route_unknown, with the function and the node, when it fails. */
function asker(structure: GraphStructure, parts: MachineParts): (name: string, place: Place) => unknown {
  return (name, { snapshot, at }) => {
    const asked = found(parts.functions.get(name), structure.name, name);
    try {
      return asked(snapshot.state, at.params ?? {});
    } catch (cause) {
      if (isAtlasError(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `In the graph ${structure.name} the function ${name}, which an edge of ${at.node} asks, failed: ${why}.`;
      const details = { graph: structure.name, from: at.node, condition: name };
      throw graphErrors.create("graph_route_unknown", message, { details, cause });
    }
  };
}

function pick<T>(all: Readonly<Record<string, T>>, names: readonly string[]): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}

function byChance(open: readonly [string, number][], place: Place, index: number): string | undefined {
  const { snapshot, at, visit } = place;
  const sum = open.reduce((all, [, weight]) => all + weight, 0);
  let left = chanceOf(snapshot.seed, `${snapshot.step}/${at.node}/${visit}/${index}`).next() * sum;
  for (const [to, weight] of open) if ((left -= weight) < 0) return to;
  return open.at(-1)?.[0];
}

function byWeight(open: readonly [string, number][]): string | undefined {
  return open.reduce<[string, number] | undefined>(
    (best, each) => (best && best[1] >= each[1] ? best : each),
    undefined,
  )?.[0];
}

/** Gives the chance of one place in a run: the same in each execution, whatever else draws. */
export function chanceOf(seed: number, place: string): ReturnType<typeof seededRandom> {
  let value = seed >>> 0;
  for (let index = 0; index < place.length; index++) value = Math.imul(value ^ place.charCodeAt(index), 0x01000193);
  return seededRandom(value);
}

function unknownTarget({ name, nodes }: GraphStructure, from: string, to: unknown): Error {
  const told = typeof to === "string" ? JSON.stringify(to) : Array.isArray(to) ? "a list in a list" : `a ${typeof to}`;
  const ways = [...Object.keys(nodes), end].join(", ");
  return graphErrors.create(
    "graph_route_unknown",
    `In the graph ${name} an edge of ${from} led to ${told}; it may lead to: ${ways}.`,
    { details: { graph: name, from } },
  );
}

function noWay({ name }: GraphStructure, from: string, edges: readonly EdgeData[]): Error {
  const asked = edges.flatMap((edge) => {
    if (edge.kind === "edge" && isJsonObject(edge.if)) return [describeCondition(edge.if)];
    return [];
  });
  const which = asked.length === 0 ? "" : ` (${asked.join("; ")})`;
  return graphErrors.create(
    "graph_route_unknown",
    `In the graph ${name} none of the ${edges.length} edges of ${from} holds${which}; add one without a condition, such as edge(${JSON.stringify(from)}, end).`,
    { details: { graph: name, from } },
  );
}

function noItems({ from, to }: EdgeData & { readonly to: string }, items: unknown): Error {
  const told = Array.isArray(items)
    ? `a list of ${items.length} items; at most ${maxItems} are allowed`
    : `a ${typeof items}, not a list`;
  return graphErrors.create("graph_route_unknown", `The edge from ${from} to each ${to} found ${told}.`, {
    details: { from, to },
  });
}
