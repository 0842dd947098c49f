import type { JsonObject } from "../base/index.ts";
import { createDeadline, raceAbort, toAtlasError } from "../base/index.ts";
import type { RunContext, StepContext } from "../runs/index.ts";
import { reassemble } from "./compile.ts";
import type { Compiled } from "./compile.ts";
import { graphErrors } from "./errors.ts";
import type { AnyGraph } from "./graph.ts";
import type { GraphInput } from "./graph-input.ts";
import { machineOf, visitsOf } from "./machine.ts";
import type { Due } from "./machine.ts";
import type { GraphRun, Visit } from "./node-context.ts";
import { perform } from "./perform.ts";
import type { GraphStructure, NodeOutcome, Snapshot } from "./structure.ts";

const defaultSteps = 100;
const defaultParallel = 16;
/** The first checkpoint; each is as far from the next as from the start, so that all together cost what the last one does. */
const firstCheckpoint = 128;

/** Runs a graph from where its run is to its end, and gives its state. */
export async function runGraph(
  graph: AnyGraph,
  run: Pick<GraphRun, "context" | "resolve" | "tools" | "database">,
  input: GraphInput,
): Promise<JsonObject> {
  const compiled = compiledFor(graph, input["#graph"]);
  return await walk({ ...run, compiled }, beginning(run.context, compiled, input));
}

/** Gives the graph of a run: the program's own if nothing has changed, or the run's with the program's functions. */
export function compiledFor({ compiled }: AnyGraph, structure: GraphStructure): Compiled {
  return JSON.stringify(structure) === compiled.text ? compiled : reassemble(structure, compiled.parts);
}

function beginning(context: RunContext, compiled: Compiled, { state, from }: GraphInput): Snapshot {
  if (context.restored !== undefined) return context.restored as Snapshot;
  const seed = Math.floor(context.random.next() * 2 ** 32);
  // Whoever looks at the run later follows its edges by the same chance.
  context.emit({
    type: "graph.started",
    data: { graph: compiled.structure.name, version: compiled.structure.version, seed },
  });
  return from ?? machineOf(compiled).begin(state, seed);
}

async function walk(run: GraphRun, begun: Snapshot): Promise<JsonObject> {
  const { context, compiled } = run;
  const { timeoutMs, maxSteps = defaultSteps } = compiled.structure.limits;
  if (timeoutMs === undefined) return await steps(run, begun, maxSteps);
  const startedAt = begun.startedAt ?? (await context.step("graph.started", () => context.clock.now()));
  using deadline = createDeadline(startedAt + timeoutMs - context.clock.now(), {
    clock: context.clock,
    signal: context.signal,
    reason: () => timedOut(compiled, timeoutMs),
  });
  const { signal } = deadline;
  return await raceAbort(steps({ ...run, signal }, { ...begun, startedAt }, maxSteps), signal);
}

async function steps(run: GraphRun, begun: Snapshot, maxSteps: number): Promise<JsonObject> {
  const { context, compiled } = run;
  const { structure } = compiled;
  const machine = machineOf(compiled);
  let snapshot = begun;
  let checkpointAt = firstCheckpoint;
  while (checkpointAt <= snapshot.done) checkpointAt *= 2;
  while (snapshot.pending.length > 0) {
    const due = machine.due(snapshot);
    if (snapshot.step >= maxSteps) throw exceeded(structure, due, maxSteps);
    snapshot = machine.advance(snapshot, due, await runNodes(run, snapshot, due));
    if (snapshot.done < checkpointAt || snapshot.pending.length === 0) continue;
    while (checkpointAt <= snapshot.done) checkpointAt *= 2;
    await context.checkpoint(snapshot);
  }
  return snapshot.state;
}

/** Runs the nodes of one step. The first that fails stops the others. */
async function runNodes(run: GraphRun, snapshot: Snapshot, { ready }: Due): Promise<readonly NodeOutcome[]> {
  const counts = visitsOf(snapshot, ready);
  const visits = ready.map((at, index): Visit => ({ at, visit: counts[index] ?? 1, snapshot, afterwards: [] }));
  const [only] = visits;
  if (visits.length === 1 && only !== undefined) return [await runNode(run, only)];
  const stop = new AbortController();
  const within: GraphRun = { ...run, signal: AbortSignal.any([run.signal ?? run.context.signal, stop.signal]) };
  const outcomes = Array.from<NodeOutcome>({ length: visits.length });
  const left = visits.entries();
  const work = async (): Promise<void> => {
    for (const [index, visit] of left) {
      if (stop.signal.aborted) return;
      outcomes[index] = await runNode(within, visit);
    }
  };
  const { maxParallel = defaultParallel } = run.compiled.structure.limits;
  try {
    await Promise.all(Array.from({ length: Math.min(maxParallel, visits.length) }, work));
  } catch (error) {
    stop.abort(error);
    throw error;
  }
  return outcomes;
}

async function runNode(run: GraphRun, visit: Visit): Promise<NodeOutcome> {
  const { node } = visit.at;
  const retry = run.compiled.parts.nodes.get(node)?.retry;
  const body = async (step: StepContext): Promise<NodeOutcome> => {
    run.context.emit({ type: "node.started", data: { node, visit: visit.visit }, transient: true });
    return await perform(run, visit, run.signal ? { ...step, signal: run.signal } : step);
  };
  const outcome = await run.context.step(node, body, retry === undefined ? undefined : { retry });
  for (const work of visit.afterwards)
    await work().catch((error: unknown) =>
      run.context.logger.warn(`after the node ${node}`, { error: toAtlasError(error).message }),
    );
  return outcome;
}

function exceeded({ name }: GraphStructure, { ready }: Due, maxSteps: number): Error {
  const nodes = ready.map(({ node }) => node);
  return graphErrors.create(
    "graph_steps_exceeded",
    `The graph ${name} has made ${maxSteps} steps and would go on with ${nodes.slice(0, 5).join(", ")}; see what leads there again and again, or raise limits.maxSteps.`,
    { details: { graph: name, nodes: nodes.slice(0, 100), maxSteps } },
  );
}

function timedOut({ structure: { name } }: Compiled, timeoutMs: number): Error {
  return graphErrors.create("graph_timed_out", `The graph ${name} took longer than ${timeoutMs} ms.`, {
    details: { graph: name },
  });
}
