import type { JsonValue } from "../base/index.ts";
import {
  checkSchema,
  createDeadline,
  describeIssues,
  raceAbort,
  stringifyJson,
  systemClock,
  toAtlasError,
} from "../base/index.ts";
import type { Clock } from "../base/index.ts";
import { toolErrors } from "./errors.ts";
import type { ToolPolicy } from "./permissions.ts";
import { requirePermissions } from "./permissions.ts";
import type { AnyTool, ToolContext } from "./tool.ts";

/** Is one call of a tool: what the tool is told of it, the clock that bounds its time (the machine's by default), and who must allow it. */
export interface ToolInvocation extends ToolContext {
  readonly clock?: Clock;
  readonly policies?: readonly ToolPolicy[];
}

/**
 * Calls a tool with arguments as a model gave them: checks them, bounds the time, checks what comes back.
 * Gives plain data. A tool that ignores its signal is left behind when its time is over.
 *
 * Errors: tool_forbidden, tool_input_invalid, tool_output_invalid, tool_timed_out, tool_failed (its message is the tool's own);
 * the signal's reason when it aborts.
 */
export async function invokeTool(tool: AnyTool, input: JsonValue, invocation: ToolInvocation): Promise<JsonValue> {
  const { clock = systemClock, policies = [], ...context } = invocation;
  const details = { tool: tool.name };
  requirePermissions(tool, policies);
  using deadline = createDeadline(tool.timeoutMs, {
    clock,
    signal: context.signal,
    reason: () =>
      toolErrors.create("tool_timed_out", `The tool ${tool.name} took longer than ${tool.timeoutMs} ms.`, { details }),
  });
  const { signal } = deadline;
  let over = false;
  const progress = (data: JsonValue): void => {
    // A tool that was left behind may still talk; nobody listens.
    if (!over) context.progress(data);
  };
  const run = async (): Promise<JsonValue> => {
    const parsed = await readToolInput(tool, input);
    return await checkOutput(tool, await tool.run(parsed, { ...context, signal, progress }));
  };
  try {
    signal.throwIfAborted();
    return await raceAbort(run(), signal);
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (toolErrors.is(cause)) throw cause;
    const error = toAtlasError(cause);
    throw toolErrors.create("tool_failed", `The tool ${tool.name} failed: ${error.message}`, {
      details: { ...details, cause: error.code },
      cause,
    });
  } finally {
    over = true;
  }
}

/** Reads the arguments of a call as the tool takes them. Errors: tool_input_invalid. */
export async function readToolInput(tool: AnyTool, input: JsonValue): Promise<unknown> {
  const parsed = await checkSchema(tool.input, input);
  if (parsed.ok) return parsed.value;
  throw toolErrors.create(
    "tool_input_invalid",
    `The arguments of ${tool.name} are not valid: ${describeIssues(parsed.issues)}.`,
    {
      details: { tool: tool.name },
    },
  );
}

async function checkOutput(tool: AnyTool, output: unknown): Promise<JsonValue> {
  const details = { tool: tool.name };
  const checked = tool.output ? await checkSchema(tool.output, output) : { ok: true as const, value: output };
  if (!checked.ok) {
    throw toolErrors.create(
      "tool_output_invalid",
      `What ${tool.name} returned is not valid: ${describeIssues(checked.issues)}.`,
      { details },
    );
  }
  try {
    return JSON.parse(stringifyJson(checked.value, `output of ${tool.name}`)) as JsonValue;
  } catch (cause) {
    const { message } = toAtlasError(cause);
    throw toolErrors.create("tool_output_invalid", `What ${tool.name} returned is not plain data: ${message}`, {
      details,
      cause,
    });
  }
}

/** Finds the examples of a tool that its own schemas refuse; each problem is a sentence without its full stop. */
export async function exampleProblems(tool: AnyTool): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [index, example] of tool.examples.entries()) {
    for (const part of ["input", "output"] as const) {
      const schema = tool[part];
      if (schema === undefined || (part === "output" && example.output === undefined)) continue;
      const read = await checkSchema(schema, example[part]);
      if (!read.ok)
        problems.push(
          `The ${part} of example ${index + 1} of the tool ${tool.name} is not valid: ${describeIssues(read.issues)}`,
        );
    }
  }
  return problems;
}
