import type { JsonValue } from "../base/index.ts";
import type { Resolve, RunContext, Runnable, StepContext } from "../runs/index.ts";
import type { Database } from "../storage/index.ts";
import type { ToolOversight } from "../tools/index.ts";
import { checkAdded } from "./added-edges.ts";
import type { Compiled } from "./compile.ts";
import type { EdgeData } from "./edge.ts";
import { chanceOf } from "./machine.ts";
import type { GivenBy, NodeContext } from "./node.ts";
import type { Activation, Snapshot } from "./structure.ts";

/** Is one visit of a node. */
export interface Visit {
  readonly at: Activation;
  /** Counts from 1. */
  readonly visit: number;
  readonly snapshot: Snapshot;
  /** What is to be done once its outcome is recorded. */
  readonly afterwards: (() => Promise<void>)[];
}

/** Is what visits of nodes work with. */
export interface GraphRun {
  readonly context: RunContext;
  readonly compiled: Compiled;
  readonly resolve: Resolve;
  /** Says who allows and counts the calls of nodes that are tools. */
  readonly tools?: ToolOversight;
  /** Where targets within nodes keep their own place. */
  readonly database?: Database | undefined;
  /** Aborts before the run does, where a time limit or a neighbour that failed stops its nodes. */
  readonly signal?: AbortSignal;
}

/** Is a node's context, and the edges that it was told to add. */
export interface OpenNode {
  readonly context: NodeContext;
  readonly added: readonly EdgeData[];
}

/** Makes what the body of a node works with. */
export function openNode(run: GraphRun, { at, visit, snapshot }: Visit, step: StepContext): OpenNode {
  const { context, compiled } = run;
  const { node, params = {} } = at;
  const added: EdgeData[] = [];
  let questions = 0;
  // A node whose time is over, or whose neighbour failed, asks for nothing more: nobody would take what it gives.
  const requireUnderWay = (): void => step.signal.throwIfAborted();
  return {
    added,
    context: {
      runId: context.runId,
      clock: context.clock,
      logger: context.logger,
      budget: context.budget,
      tenant: context.tenant,
      node,
      visit,
      params,
      signal: step.signal,
      idempotencyKey: step.idempotencyKey,
      random: chanceOf(snapshot.seed, `${snapshot.step}/${node}/${visit}`),
      async step(name, body, options) {
        requireUnderWay();
        return await context.step(name, body, options);
      },
      async call(target, input) {
        requireUnderWay();
        return (await call(run, target, input)) as GivenBy<typeof target>;
      },
      async sleep(ms) {
        requireUnderWay();
        await context.sleep(ms);
      },
      async waitFor(name, options) {
        requireUnderWay();
        return await context.waitFor(name, options);
      },
      steered: () => context.steered(),
      emit: (event) => context.emit(event),
      async interrupt(question, options = {}) {
        requireUnderWay();
        questions++;
        const name = [node, ...(visit === 1 ? [] : [visit]), ...(questions === 1 ? [] : [`q${questions}`])].join("/");
        context.emit({ type: "question.asked", data: { node, visit, question, signal: name } });
        return await context.waitFor(name, { ...options, question });
      },
      addEdge: (edge) => void added.push(checkAdded(compiled, [...snapshot.added, ...added], edge)),
    },
  };
}

/** Calls whatever can be called; what it takes and gives is checked by what it is. */
async function call({ context, resolve }: GraphRun, target: Runnable, input: unknown): Promise<unknown> {
  const callable = resolve(target);
  return callable.output(await context.call(callable.workflow, callable.input(input as JsonValue, {})));
}
