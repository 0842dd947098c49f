import type { JsonObject, JsonValue, Schema } from "../base/index.ts";
import { checkSchema, createDeadline, isJsonObject, raceAbort } from "../base/index.ts";
import type { Resolve, RunContext, StepContext, Workflow } from "../runs/index.ts";
import { workflow } from "../runs/index.ts";
import { assemble } from "./compile.ts";
import type { Compiled } from "./compile.ts";
import { graphErrors } from "./errors.ts";
import type { AnyGraph } from "./graph.ts";
import { visitsOf } from "./machine.ts";
import type { Due } from "./machine.ts";
import type { GraphRun, Visit } from "./node-context.ts";
import { perform } from "./perform.ts";
import type { GraphStructure, NodeOutcome, Snapshot } from "./structure.ts";

/** Is what a run of a graph is started with: the graph as it was then, and a state, or a place to go on from. */
export type GraphInput = {
  readonly "#graph": GraphStructure;
  readonly state: JsonObject;
  /** Where a fork with another state goes on. */
  readonly from?: Snapshot;
};

const defaultSteps = 100;
const defaultParallel = 16;
/** The first checkpoint; each is as far from the next as from the start, so that all together cost what the last one does. */
const firstCheckpoint = 128;

/**
 * Makes the workflow that runs a graph. Its input keeps the graph as it was when the run began, so that a run goes on as it began
 * though the program has a newer graph: functions are found by the names of their nodes and conditions.
 *
 * Order: the nodes of a step run at once; their updates are merged in the order of the edges that led to them.
 * Errors: graph_steps_exceeded, graph_timed_out, graph_route_unknown, graph_state_invalid, graph_part_missing; those of the nodes.
 */
export function graphWorkflow(graph: AnyGraph, resolve: Resolve): Workflow<JsonObject, JsonObject> {
  const { name, version, accepts } = graph;
  return workflow({
    name: `graph:${name}`,
    version,
    accepts,
    input: inputSchema(graph),
    async run(context, given: JsonObject) {
      const input = given as GraphInput;
      const compiled = compiledFor(graph, input["#graph"]);
      return await walk({ context, compiled, resolve }, beginning(context, compiled, input));
    },
  });
}

/** Gives the graph of a run: the program's own if nothing has changed, or the run's with the program's functions. */
export function compiledFor({ compiled }: AnyGraph, structure: GraphStructure): Compiled {
  return JSON.stringify(structure) === compiled.text ? compiled : assemble(structure, compiled.parts);
}

/** Reads the state that a run begins with, and puts the graph beside it; what is already so is left as it is. */
function inputSchema({ compiled, state, name }: AnyGraph): Schema<unknown, JsonObject> {
  return {
    "~standard": {
      version: 1,
      vendor: "atlas",
      async validate(value: unknown) {
        if (isGraphInput(value)) return { value };
        const read = await checkSchema(state, value);
        if (!read.ok)
          return { issues: read.issues.map(({ path, message }) => ({ message, path: path === "" ? [] : [path] })) };
        if (isJsonObject(read.value as JsonValue))
          return { value: { "#graph": compiled.structure, state: read.value as JsonObject } };
        return { issues: [{ message: `the state of the graph ${name} must be an object` }] };
      },
    },
  };
}

function isGraphInput(value: unknown): value is GraphInput {
  return typeof value === "object" && value !== null && "#graph" in value && "state" in value;
}

function beginning(context: RunContext, { machine }: Compiled, { state, from }: GraphInput): Snapshot {
  if (context.restored !== undefined) return context.restored as Snapshot;
  return from ?? machine.begin(state, Math.floor(context.random.next() * 2 ** 32));
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
  const { machine, structure } = compiled;
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
  const visits = ready.map((at, index): Visit => ({ at, visit: counts[index] ?? 1, snapshot }));
  const [only] = visits;
  if (visits.length === 1 && only !== undefined) return [await runNode(run, only)];
  const stop = new AbortController();
  const within: GraphRun = { ...run, signal: AbortSignal.any([run.signal ?? run.context.signal, stop.signal]) };
  const outcomes = new Array<NodeOutcome>(visits.length);
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
  return await run.context.step(node, body, retry === undefined ? undefined : { retry });
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
