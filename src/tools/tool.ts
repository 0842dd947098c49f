import type { JsonValue, Schema, SchemaInput, SchemaOutput } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";

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

/** Is a tool as agents hold it. Made by `tool()`. */
export interface Tool<Input extends Schema = Schema, Output = unknown> {
  readonly kind: "tool";
  readonly name: string;
  readonly description: string;
  readonly input: Input;
  readonly output?: Schema<unknown, Output> | undefined;
  readonly purpose: "retrieval" | "action";
  readonly timeoutMs: number;
  readonly run: (input: SchemaOutput<Input>, context: ToolContext) => Output | Promise<Output>;
}

/** Is what a user writes to define a tool. */
export interface ToolOptions<Input extends Schema, Output> {
  readonly name: string;
  /** Tells the model what the tool does and when to use it. */
  readonly description?: string;
  readonly input: Input;
  /** Checks what the tool returns. */
  readonly output?: Schema<unknown, Output>;
  readonly purpose?: "retrieval" | "action";
  /** Units: milliseconds; 60,000 by default. */
  readonly timeoutMs?: number;
  readonly run: (input: SchemaOutput<Input>, context: ToolContext) => Output | Promise<Output>;
}

/** Is any tool, whatever its types. */
export type AnyTool = Tool<Schema<never, unknown>, unknown> | Tool;

/** Is the input type of a tool. */
export type ToolInput<T extends Tool> = SchemaInput<T["input"]>;
