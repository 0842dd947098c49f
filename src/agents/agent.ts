import type { JsonObject, JsonValue, Schema } from "../base/index.ts";
import type { Citation } from "../knowledge/index.ts";
import type { Model, Usage } from "../providers/index.ts";
import type { AnyTool } from "../tools/index.ts";

/**
 * Bounds what one run of an agent may spend. Units: `maxSteps` model calls (default 32), `maxTokens` input and output
 * tokens of all calls together, `timeoutMs` wall time of the run.
 */
export interface AgentLimits {
  readonly maxSteps?: number;
  readonly maxTokens?: number;
  readonly timeoutMs?: number;
}

/** Is an agent as Atlas runs it. Made by `agent()`. */
export interface Agent<Output = string> {
  readonly kind: "agent";
  readonly name: string;
  readonly instructions: string;
  /** A model, or `provider/name` to be found when the run starts; the configured or detected model when left out. */
  readonly model?: Model | string | undefined;
  readonly tools: readonly AnyTool[];
  /** Files and folders whose documents the agent may search. */
  readonly knowledge: readonly string[];
  readonly output?: Schema<unknown, Output> | undefined;
  readonly limits: AgentLimits;
}

/** Is any agent, whatever its output. */
export type AnyAgent = Agent<unknown>;

/** Is what a run of an agent takes. `knowledge` adds to the agent's own, `model` replaces it (`provider/name`). */
export type AgentInput = {
  readonly goal: string;
  readonly knowledge?: readonly string[];
  readonly model?: string;
};

/**
 * Is what a run of an agent gives.
 *
 * Units: `costMicroUsd` millionths of a US dollar, null when the price of the model is not known.
 */
export type AgentResult<Output = string> = {
  /** The text of the answer, or the value that follows the agent's output schema. */
  readonly output: Output;
  readonly text: string;
  /** The places in documents that the answer quotes, each verified against the file. */
  readonly citations: readonly Citation[];
  readonly usage: Usage;
  readonly costMicroUsd: number | null;
  /** `provider/name`. */
  readonly model: string;
  readonly steps: number;
  /** `stop` is an answer; the others name the limit that ended the run with what there was. */
  readonly finishReason: "stop" | "length" | "content_filter" | "max_steps" | "max_tokens" | "other";
  /** What the model says about its last answer, such as `{ extractive: true, answered: false }`. */
  readonly metadata: JsonObject;
};

/**
 * Lists the events that a run of an agent adds to its log, beside those of every run.
 *
 * Shape: `agent.started` { agent, model, goal }; `knowledge.ingested` the ingest's report; `model.started` { step };
 * transient `text.delta` { text } and `reasoning.delta` { text }; `model.completed` { step, text, toolCalls, usage, finishReason };
 * `tool.started` { id, name, input }; `tool.progressed` { id, name, data }; `tool.completed` { id, name, durationMs };
 * `tool.failed` { id, name, error }.
 */
export type AgentEventData = JsonValue;
