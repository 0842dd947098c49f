import type { JsonValue } from "../base/index.ts";
import { checkSchema, describeIssues, stringifyJson, toAtlasError } from "../base/index.ts";
import { toolErrors } from "./errors.ts";
import type { AnyTool, ToolContext } from "./tool.ts";

/**
 * Calls a tool with arguments as a model gave them: checks them, bounds the time, checks what comes back.
 * Gives plain data. A tool that ignores its signal is left behind when its time is over.
 *
 * Errors: tool_input_invalid, tool_output_invalid, tool_timed_out, tool_failed (its message is the tool's own);
 * the signal's reason when it aborts.
 */
export async function invokeTool(tool: AnyTool, input: JsonValue, context: ToolContext): Promise<JsonValue> {
  const details = { tool: tool.name };
  const parsed = await checkSchema(tool.input, input);
  if (!parsed.ok) {
    throw toolErrors.create("tool_input_invalid", `The arguments of ${tool.name} are not valid: ${describeIssues(parsed.issues)}.`, { details });
  }
  const timer = new AbortController();
  const signal = AbortSignal.any([context.signal, timer.signal]);
  const timeout = setTimeout(() => {
    timer.abort(toolErrors.create("tool_timed_out", `The tool ${tool.name} took longer than ${tool.timeoutMs} ms.`, { details }));
  }, tool.timeoutMs);
  try {
    const output = await beforeAbort(async () => tool.run(parsed.value, { ...context, signal }), signal);
    return await checkOutput(tool, output);
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (toolErrors.is(cause)) throw cause;
    const error = toAtlasError(cause);
    throw toolErrors.create("tool_failed", `The tool ${tool.name} failed: ${error.message}`, { details: { ...details, cause: error.code }, cause });
  } finally {
    clearTimeout(timeout);
  }
}

async function checkOutput(tool: AnyTool, output: unknown): Promise<JsonValue> {
  const details = { tool: tool.name };
  const checked = tool.output ? await checkSchema(tool.output, output) : { ok: true as const, value: output };
  if (!checked.ok) {
    throw toolErrors.create("tool_output_invalid", `What ${tool.name} returned is not valid: ${describeIssues(checked.issues)}.`, { details });
  }
  try {
    return JSON.parse(stringifyJson(checked.value, `output of ${tool.name}`)) as JsonValue;
  } catch (cause) {
    throw toolErrors.create("tool_output_invalid", `What ${tool.name} returned is not plain data.`, { details, cause });
  }
}

function beforeAbort<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    work().then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
