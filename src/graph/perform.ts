import type { JsonObject, JsonValue } from "../base/index.ts";
import { createDeadline, isJsonObject, jsonSchemaOf, raceAbort, toAtlasError } from "../base/index.ts";
import type { Runnable, StepContext } from "../runs/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { invokeTool } from "../tools/index.ts";
import { valueAt } from "./condition.ts";
import { graphErrors } from "./errors.ts";
import type { InnerTarget, NodeContext, NodeDefinition } from "./node.ts";
import { openNode } from "./node-context.ts";
import type { GraphRun, OpenNode, Visit } from "./node-context.ts";
import type { NodeOutcome } from "./structure.ts";
import { checkUpdate, checkValues } from "./update.ts";

/** Does what a node is, and gives what it gave. Errors: those of the node; graph_state_invalid, graph_timed_out. */
export async function perform(run: GraphRun, visit: Visit, step: StepContext): Promise<NodeOutcome> {
  const definition = definitionOf(run, visit.at.node);
  const { timeoutMs } = definition;
  if (timeoutMs === undefined) return await outcomeOf(run, visit, { definition, open: openNode(run, visit, step) });
  const { node } = visit.at;
  using deadline = createDeadline(timeoutMs, {
    clock: run.context.clock,
    signal: step.signal,
    reason: () =>
      graphErrors.create("graph_timed_out", `The node ${node} took longer than ${timeoutMs} ms.`, {
        details: { node },
      }),
  });
  const open = openNode(run, visit, { ...step, signal: deadline.signal });
  return await raceAbort(outcomeOf(run, visit, { definition, open }), deadline.signal);
}

function definitionOf({ compiled }: GraphRun, node: string): NodeDefinition<JsonObject, JsonObject> {
  const found = compiled.parts.nodes.get(node);
  if (found) return found;
  const message = `The graph ${compiled.structure.name} has no node ${JSON.stringify(node)} in this program.`;
  throw graphErrors.create("graph_part_missing", message, { details: { node } });
}

interface Doing {
  readonly definition: NodeDefinition<JsonObject, JsonObject>;
  readonly open: OpenNode;
}

async function outcomeOf(run: GraphRun, visit: Visit, { definition, open }: Doing): Promise<NodeOutcome> {
  const { parts } = run.compiled;
  const { state } = visit.snapshot;
  const { node } = visit.at;
  const { run: target, output } = definition;
  const isFunction = typeof target === "function";
  const result: unknown = isFunction
    ? await giving(node, () => target(state, open.context))
    : await runTarget(run, visit, { target, definition, context: open.context });
  const update = checkUpdate(node, parts.keys, mapped(result, output, visit));
  const checked =
    isFunction || typeof output === "function"
      ? update
      : await checkValues(node, update, { state, schema: parts.state });
  return {
    ...(checked === undefined ? {} : { update: checked }),
    ...(open.added.length === 0 ? {} : { edges: open.added }),
  };
}

/** Gives what a function gives. What is frozen cannot be changed in place, which V8 tells in words of its own. */
async function giving(node: string, body: () => unknown): Promise<unknown> {
  try {
    return await body();
  } catch (cause) {
    if (
      !(cause instanceof TypeError) ||
      !/not extensible|read only property|Cannot delete property/.test(cause.message)
    )
      throw cause;
    const message = `The node ${node} changed data in place that is frozen, as the state is (${cause.message}); give what is to change as its update.`;
    throw graphErrors.create("graph_state_invalid", message, { details: { node }, cause });
  }
}

function mapped(result: unknown, output: Doing["definition"]["output"], { at, snapshot }: Visit): unknown {
  if (output === undefined) return result;
  if (typeof output === "string") return { [output]: result };
  // What it takes is what the target gives; only the definition's types know it.
  return (output as (result: unknown, state: JsonObject, params: JsonObject) => unknown)(
    result,
    snapshot.state,
    at.params ?? {},
  );
}

interface Running {
  readonly target: Runnable;
  readonly definition: NodeDefinition<JsonObject, JsonObject>;
  readonly context: NodeContext;
}

async function runTarget(
  run: GraphRun,
  { at, snapshot, afterwards }: Visit,
  { target, definition, context }: Running,
): Promise<unknown> {
  const { input } = definition;
  const { state } = snapshot;
  if (isInner(target)) {
    const { database } = run;
    return await target.within(inputOf(input, state, at.params) ?? state, {
      context,
      database,
      afterwards: (work) => void afterwards.push(work),
    });
  }
  if (!isTool(target)) return await context.call(target, inputOf(input, state, at.params) ?? state);
  const given = inputOf(input, state, at.params) ?? ownInput(target, { ...state, ...at.params });
  const call = async (step: StepContext): Promise<JsonValue> =>
    await counted(run, target, () =>
      invokeTool(target, given, {
        runId: context.runId,
        callId: step.idempotencyKey,
        idempotencyKey: step.idempotencyKey,
        signal: context.signal,
        clock: context.clock,
        logger: context.logger.child({ tool: target.name }),
        progress: (data) => context.emit({ type: "tool.progressed", data: { node: at.node, name: target.name, data } }),
        ...(run.tools?.policies ? { policies: run.tools.policies } : {}),
      }),
    );
  const { onUnknown } = target;
  if (onUnknown === undefined) return await call(context);
  // Its calls are effects, each with a record of its own that a person can decide on.
  return await context.step(`tool:${target.name}`, call, { onUnknown });
}

/** Counts a call of a tool under the name of its graph. */
async function counted<T>({ tools, context, compiled }: GraphRun, tool: AnyTool, call: () => Promise<T>): Promise<T> {
  const begin = context.clock.monotonic();
  const record = (failed: { readonly code?: string }): void =>
    tools?.toolMetrics?.record({
      agent: `graph:${compiled.structure.name}`,
      tool: tool.name,
      durationMs: context.clock.monotonic() - begin,
      ...failed,
    });
  try {
    const given = await call();
    record({});
    return given;
  } catch (error) {
    record({ code: toAtlasError(error).code });
    throw error;
  }
}

function isInner(target: Runnable): target is InnerTarget {
  return "within" in target;
}

function isTool(target: Runnable): target is AnyTool {
  return target.kind === "tool";
}

function inputOf(
  input: Doing["definition"]["input"],
  state: JsonObject,
  params: JsonObject = {},
): JsonValue | undefined {
  if (input === undefined) return undefined;
  if (typeof input === "string") return valueAt({ ...state, params }, input) ?? null;
  return input(state, params) as JsonValue;
}

/** Takes from a state what a tool's schema names. */
function ownInput(tool: AnyTool, state: JsonObject): JsonObject {
  const { properties } = jsonSchemaOf(tool.input, `the tool ${tool.name}`);
  if (!isJsonObject(properties)) return state;
  return Object.fromEntries(Object.entries(state).filter(([key]) => Object.hasOwn(properties, key)));
}
