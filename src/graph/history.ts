import type { JsonObject, JsonValue, Schema } from "../base/index.ts";
import { isJsonObject, parseSchema } from "../base/index.ts";
import type { ForkOptions, RunEvent, RunHandle } from "../runs/index.ts";
import type { Compiled } from "./compile.ts";
import { graphErrors } from "./errors.ts";
import type { EdgeData } from "./edge.ts";
import type { AnyGraph, Graph } from "./graph.ts";
import type { GraphInput } from "./graph-input.ts";
import { machineOf, visitsOf } from "./machine.ts";
import { compiledFor } from "./run-graph.ts";
import type { Activation, NodeOutcome, Snapshot } from "./structure.ts";

/** Is the state of a run of a graph between two of its steps. */
export interface GraphState<State = JsonObject> {
  /** The entry of the run's log with which this state was reached: `run.fork({ at: seq })` goes on from here. */
  readonly seq: number;
  /** How many steps were done. */
  readonly step: number;
  readonly state: State;
  /** The nodes that led to it: those of its last step. */
  readonly nodes: readonly string[];
  /** The nodes that are next; empty at the end. */
  readonly next: readonly string[];
  /** The edges that were added until then. */
  readonly added: readonly EdgeData[];
}

/** Is a state of the history with all that going on from it needs. */
interface Past {
  readonly seq: number;
  readonly snapshot: Snapshot;
  readonly nodes: readonly string[];
}

/**
 * Gives the states that a run of a graph went through, the first one first, from its log and the graph's functions.
 *
 * Errors: graph_part_missing when the run is of something else, or its graph names what `graph` does not have.
 * Cost: reads the whole log.
 */
export async function graphHistory<State>(
  run: Pick<RunHandle<unknown>, "record" | "events">,
  graph: Graph<never, State>,
): Promise<readonly GraphState<State>[]> {
  const { past } = await recall(run, graph);
  return Array.from(past, ({ seq, snapshot, nodes }) => ({
    seq,
    step: snapshot.step,
    // The state is what the graph's own functions gave.
    state: snapshot.state as State,
    nodes,
    next: snapshot.pending.map(({ node }) => node),
    added: snapshot.added,
  }));
}

/** Says from where, and with which state, a fork goes on. */
export interface GraphForkOptions<State> {
  /** The `seq` of a state of the history; the last one without it. */
  readonly at?: number;
  /** Keys of the state that are to be otherwise. */
  readonly state?: Partial<State>;
}

/**
 * Makes a new run that goes on from a state of another one's history, with other values where they are given. Nodes that had run
 * until then do not run again.
 *
 * Errors: graph_state_invalid, invalid_input for values that do not fit; checkpoint_unknown for a place before the first state.
 */
export async function forkGraph<State>(
  run: RunHandle<unknown>,
  graph: Graph<never, State>,
  { at, state }: GraphForkOptions<State> = {},
): Promise<RunHandle<State>> {
  const { past, compiled } = await recall(run, graph);
  let found: Past | undefined;
  // One state is kept at a time: all of a long run may be more than fits.
  for (const each of past) {
    if (at !== undefined && each.seq > at) break;
    found = each;
  }
  if (found === undefined) return await forked(run, at === undefined ? {} : { at });
  if (state === undefined) return await forked(run, { at: found.seq });
  const changed = await changedState(graph, found.snapshot.state, state as JsonObject);
  const from = { ...found.snapshot, state: changed };
  const input: GraphInput = { "#graph": compiled.structure, state: changed, from };
  return await forked(run, { input });
}

/** Forks a run of a graph, whose result is a state of it. */
async function forked<State>(run: RunHandle<unknown>, options: ForkOptions): Promise<RunHandle<State>> {
  return (await run.fork(options)) as RunHandle<State>;
}

async function changedState(
  { name, state: schema, compiled }: AnyGraph,
  state: JsonObject,
  change: JsonObject,
): Promise<JsonObject> {
  const unknown = Object.keys(change).filter((key) => compiled.parts.keys?.has(key) === false);
  if (unknown.length === 0) {
    await parseSchema(schema satisfies Schema, { ...state, ...change }, `changed state of ${name}`);
    return { ...state, ...change };
  }
  const message = `The state of the graph ${name} has no ${unknown.join(", ")}; it has: ${[...(compiled.parts.keys ?? [])].join(", ")}.`;
  throw graphErrors.create("graph_state_invalid", message, { details: { graph: name, keys: unknown } });
}

/** Goes through a run once more, with what its log says of each node. */
async function recall(
  run: Pick<RunHandle<unknown>, "record" | "events">,
  graph: AnyGraph,
): Promise<{ readonly past: Iterable<Past>; readonly compiled: Compiled }> {
  const { input, workflow } = await run.record();
  if (!isJsonObject(input) || !("#graph" in input)) {
    const message = `The run is of ${workflow}, not of the graph ${graph.name}.`;
    throw graphErrors.create("graph_part_missing", message, { details: { graph: graph.name, workflow } });
  }
  // It was written by the graph's workflow.
  const begun = input as GraphInput;
  const compiled = compiledFor(graph, begun["#graph"]);
  const log = await readLog(run.events({ live: false }));
  const first = log.restored ?? firstOf(compiled, begun, log.chance);
  return {
    past: first === undefined ? [] : walkAgain(compiled, first, { ...log, before: begun.from?.visits ?? {} }),
    compiled,
  };
}

/** Is what a log says of a graph. */
interface GraphLog {
  readonly outcomes: ReadonlyMap<string, { readonly seq: number; readonly outcome: NodeOutcome }>;
  /** The first checkpoint, where what stood before it is gone. */
  readonly restored: Past | undefined;
  readonly chance: number | undefined;
}

async function readLog(events: AsyncIterable<RunEvent>): Promise<GraphLog> {
  const outcomes = new Map<string, { readonly seq: number; readonly outcome: NodeOutcome }>();
  let restored: Past | undefined;
  let chance: number | undefined;
  let isCompacted = false;
  for await (const { seq, type, key, data } of events) {
    const said = data as { readonly output?: JsonValue; readonly state?: JsonValue; readonly seed?: number };
    if (type === "run.compacted") isCompacted = true;
    else if (type === "graph.started") chance = said.seed;
    else if (type === "run.checkpointed" && isCompacted)
      restored ??= { seq, snapshot: said.state as Snapshot, nodes: [] };
    else if (type === "step.completed" && key !== undefined)
      outcomes.set(key, { seq, outcome: (said.output ?? {}) as NodeOutcome });
  }
  return { outcomes, restored, chance };
}

function firstOf(compiled: Compiled, { state, from }: GraphInput, chance: number | undefined): Past | undefined {
  if (from !== undefined) return { seq: 1, snapshot: from, nodes: [] };
  return chance === undefined ? undefined : { seq: 1, snapshot: machineOf(compiled).begin(state, chance), nodes: [] };
}

function* walkAgain(compiled: Compiled, first: Past, { outcomes, before }: GraphLog & Before): Iterable<Past> {
  yield first;
  const machine = machineOf(compiled);
  let { snapshot, seq } = first;
  while (snapshot.pending.length > 0) {
    const due = machine.due(snapshot);
    const recorded = keysOf(snapshot, due.ready, before).map((key) => outcomes.get(key));
    const found = recorded.filter((each) => each !== undefined);
    if (found.length < recorded.length) break;
    seq = found.reduce((last, each) => Math.max(last, each.seq), seq);
    snapshot = machine.advance(
      snapshot,
      due,
      found.map(({ outcome }) => outcome),
    );
    yield { seq, snapshot, nodes: due.ready.map(({ node }) => node) };
  }
}

/** Holds the visits of nodes before the run began, where it is a fork with another state: its own log counts from 1. */
interface Before {
  readonly before: Readonly<Record<string, number>>;
}

/** Gives the keys under which the outcomes of nodes are recorded. */
function keysOf(snapshot: Snapshot, ready: readonly Activation[], before: Before["before"]): readonly string[] {
  const visits = visitsOf(snapshot, ready);
  return ready.map(({ node }, index) => {
    const count = (visits[index] ?? 1) - (Object.hasOwn(before, node) ? (before[node] ?? 0) : 0);
    return count === 1 ? node : `${node}#${count}`;
  });
}
