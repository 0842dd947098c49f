import type { Clock, JsonValue } from "../base/index.ts";
import { isAtlasError, isJsonObject, jsonSchemaOf, toAtlasError } from "../base/index.ts";
import type { ToolCallPart, ToolDefinition, ToolResultPart } from "../providers/index.ts";
import type { StepContext } from "../runs/index.ts";
import { invokeTool, toolErrors } from "../tools/index.ts";
import type { AnyTool, ToolMetrics, ToolPolicy } from "../tools/index.ts";
import type { AnyAgent } from "./agent.ts";
import type { Approving, Refusal } from "./approvals.ts";
import { askApproval } from "./approvals.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";

/** Describes tools to a model. */
export function describeTools(tools: readonly AnyTool[]): ToolDefinition[] {
  return tools.map((tool) => ({
    name: tool.name,
    description: tool.description,
    inputSchema: jsonSchemaOf(tool.input, `the tool ${tool.name}`),
    purpose: tool.purpose,
  }));
}

/** Is what tool calls need of the loop that makes them; `signal` aborts with the run, or at the end of the agent's time. */
export interface ToolCalling extends Approving {
  /** Measures and bounds what the tools do. The run's own clock replays the past. */
  readonly clock: Clock;
  readonly tools: readonly AnyTool[];
  readonly toolMetrics?: ToolMetrics | undefined;
}

/** Gives the policies that bind an agent's tools: its own and the program's, where there are such. */
export function policiesOf(agent: AnyAgent, { permissions }: AgentSurroundings): readonly ToolPolicy[] {
  return [
    ...(agent.permissions ? [{ of: `agent ${agent.name}`, permissions: agent.permissions }] : []),
    ...(permissions ? [{ of: "program", permissions }] : []),
  ];
}

/**
 * Runs the tool calls of one model answer at once, each as a step of the run. A call that fails gives a failed result, which
 * the model sees; only the signal ends them all. A tool's policy says what becomes of a call that a crash cut off. Order: results in the order of the calls.
 */
export async function runToolCalls(calling: ToolCalling, calls: readonly ToolCallPart[]): Promise<ToolResultPart[]> {
  return await Promise.all(calls.map((call) => runToolCall(calling, call)));
}

async function runToolCall(calling: ToolCalling, call: ToolCallPart): Promise<ToolResultPart> {
  const { context, tools } = calling;
  const { id, name } = call;
  const tool = tools.find((each) => each.name === name);
  const options = tool?.onUnknown === undefined ? {} : { onUnknown: tool.onUnknown };
  const refusal = tool && (await askApproval(calling, call, tool));
  const body = ({ idempotencyKey }: StepContext): Promise<ToolResultPart> =>
    invoke(calling, { call, tool, idempotencyKey, refusal });
  try {
    const result: JsonValue | ToolResultPart = await context.step(`tool:${name}`, body, options);
    // What a person decided in place of the tool is its output.
    return isResultOf(result, id) ? result : { type: "tool.result", id, name, output: result ?? null };
  } catch (cause) {
    if (!isAtlasError(cause) || cause.code !== "effect_unknown") throw cause;
    const output: JsonValue = { error: cause.code, message: cause.message };
    return { type: "tool.result", id, name, output, failed: true };
  }
}

function isResultOf(result: JsonValue | ToolResultPart | undefined, id: string): result is ToolResultPart {
  return isJsonObject(result) && result["type"] === "tool.result" && result["id"] === id;
}

/** Is one call that is made now. */
interface Invocation {
  readonly call: ToolCallPart;
  readonly tool: AnyTool | undefined;
  readonly idempotencyKey: string;
  readonly refusal: Refusal | undefined;
}

async function invoke(
  { agent, context, clock, tools, signal, policies = [], toolMetrics }: ToolCalling,
  { call, tool, idempotencyKey, refusal }: Invocation,
): Promise<ToolResultPart> {
  const { id, name } = call;
  context.emit({ type: "tool.started", data: { id, name, input: call.input } });
  const begin = clock.monotonic();
  const ended = (code?: string): number => {
    const durationMs = clock.monotonic() - begin;
    const failed = code === undefined ? {} : { code };
    // The names of tools that there are not are a model's own: they would be without number.
    if (tool) toolMetrics?.record({ agent: agent.name, tool: name, durationMs, ...failed });
    return Math.round(durationMs);
  };
  try {
    if (!tool) throw unknownTool(name, tools);
    if (refusal) throw refused(name, refusal);
    const output = await invokeTool(tool, call.input, {
      runId: context.runId,
      callId: id,
      idempotencyKey,
      signal,
      clock,
      policies,
      logger: context.logger.child({ tool: name }),
      progress: (data) => context.emit({ type: "tool.progressed", data: { id, name, data } }),
    });
    context.emit({ type: "tool.completed", data: { id, name, durationMs: ended() } });
    return { type: "tool.result", id, name, output };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    const error = toAtlasError(cause);
    context.emit({ type: "tool.failed", data: { id, name, durationMs: ended(error.code), error: error.toJSON() } });
    const output: JsonValue = { error: error.code, message: error.message };
    return { type: "tool.result", id, name, output, failed: true };
  }
}

function refused(name: string, { by, reason }: Refusal): Error {
  const why = reason === "" ? "" : `: ${reason}`;
  return toolErrors.create(
    "tool_refused",
    `The call of ${name} was refused${why}. Do not make it again; go another way.`,
    {
      details: { tool: name, by },
    },
  );
}

function unknownTool(name: string, tools: readonly AnyTool[]): Error {
  const known = tools.map((tool) => tool.name);
  return toolErrors.create(
    "tool_unknown",
    `There is no tool ${JSON.stringify(name)}; the tools are: ${known.join(", ") || "none"}.`,
    {
      details: { tool: name, known },
    },
  );
}
