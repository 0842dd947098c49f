import type { JsonValue, Schema, SchemaOutput } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { toolErrors } from "./errors.ts";

/** Is what a tool gets beside its input. */
export interface ToolContext {
  readonly runId: string;
  readonly callId: string;
  /** The same for every attempt of this call, also after a crash: hand it to whatever must not be done twice. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Reports progress; lands in the run's event log as `tool.progressed`. */
  readonly progress: (data: JsonValue) => void;
}

/**
 * Says what becomes of a call that a crash cut off, so that nobody knows whether the tool did its work: it is called again with the
 * same idempotency key, it waits until a person decides, or the model is told that its outcome is unknown.
 */
export type UnknownToolOutcome = "retry" | "park" | "fail";

/** Is a tool as agents hold it. Made by `tool()`. */
export interface Tool<Input extends Schema = Schema, Output = unknown> {
  readonly kind: "tool";
  readonly name: string;
  readonly description: string;
  readonly input: Input;
  readonly output?: Schema<unknown, Output> | undefined;
  /** `retrieval` marks a tool that searches documents: `{ query }` in, `{ passages }` out. */
  readonly purpose: "retrieval" | "action";
  readonly timeoutMs: number;
  readonly onUnknown?: UnknownToolOutcome | undefined;
  // A method, not a property: tools of any input then fit in one list.
  run(input: SchemaOutput<Input>, context: ToolContext): Output | Promise<Output>;
}

/** Is any tool, whatever its types. */
export type AnyTool = Tool;

/** Is what a user writes to define a tool. */
export interface ToolOptions<Input extends Schema, Output> {
  /** 1 to 64 letters, digits, `_` or `-`: what every provider accepts. */
  readonly name: string;
  /** Tells the model what the tool does and when to use it. */
  readonly description?: string;
  readonly input: Input;
  /** Checks what the tool returns. */
  readonly output?: Schema<unknown, Output>;
  readonly purpose?: "retrieval" | "action";
  /** Units: milliseconds; 60,000 by default. */
  readonly timeoutMs?: number;
  /** For tools that change the world: their calls are in the run's ledger of effects. Without it a call that was cut off is made again. */
  readonly onUnknown?: UnknownToolOutcome;
  readonly run: (input: SchemaOutput<Input>, context: ToolContext) => Output | Promise<Output>;
}

/**
 * Defines a tool that agents can call.
 *
 * Errors: tool_invalid for a name that providers refuse, or a limit that no call can keep.
 * @example examples/first-agent.ts
 */
export function tool<Input extends Schema, Output>(options: ToolOptions<Input, Output>): Tool<Input, Output> {
  const { name, description = "", input, output, purpose = "action", timeoutMs = 60_000, onUnknown, run } = options;
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
    throw toolErrors.create(
      "tool_invalid",
      `The tool name ${JSON.stringify(name)} must be 1 to 64 letters, digits, "_" or "-".`,
      {
        details: { tool: name },
      },
    );
  }
  if (!(timeoutMs > 0)) {
    throw toolErrors.create("tool_invalid", `The timeoutMs of the tool ${name} must be a number above 0.`, {
      details: { tool: name },
    });
  }
  return { kind: "tool", name, description, input, output, purpose, timeoutMs, onUnknown, run };
}
