import type { JsonObject, JsonValue } from "../base/index.ts";
import type { Message, ToolDefinition } from "./message.ts";

/**
 * Counts the tokens of a call. `inputTokens` includes what came from or went into a prompt cache; `outputTokens` includes reasoning.
 *
 * `provenance` says how they are known: `reported` by the provider at the end, `partial` when its last report came before
 * the end, `estimated` by Atlas.
 */
export type Usage = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
  readonly provenance: "reported" | "partial" | "estimated";
};

/** Says why a model stopped. `other` is a reason that the provider gave and Atlas has no word for. */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "budget" | "other";

/**
 * Is one part of a stream.
 *
 * Order: `response.started` first; then deltas; a tool call is `tool.started`, its `tool.delta`s, then `tool.completed`
 * with the whole parsed input; `response.finished` last and exactly once. A stream that ends without it has thrown.
 */
export type StreamPart =
  | { readonly type: "response.started"; readonly model?: string; readonly responseId?: string }
  | { readonly type: "text.delta"; readonly text: string }
  | { readonly type: "reasoning.delta"; readonly text: string; readonly signature?: string }
  | { readonly type: "tool.started"; readonly id: string; readonly name: string }
  | { readonly type: "tool.delta"; readonly id: string; readonly text: string }
  | { readonly type: "tool.completed"; readonly id: string; readonly name: string; readonly input: JsonValue }
  | { readonly type: "usage.updated"; readonly usage: Usage }
  | {
      readonly type: "response.finished";
      readonly finishReason: FinishReason;
      readonly usage: Usage;
      /**
       * What a provider or an embedded model says about its answer, such as `{ extractive: true }`. `refusal` is there when the
       * model refuses to answer, and only then: its reason as a text, or an object that may name one.
       */
      readonly metadata: JsonObject;
    };

/** Asks for an answer that follows a JSON Schema. */
export interface ResponseFormat {
  readonly name: string;
  readonly schema: JsonObject;
}

/** Says which tool the model may or must call. */
export type ToolChoice = "auto" | "none" | "required" | { readonly name: string };

/** Is a call of a model. */
export interface ModelRequest {
  readonly messages: readonly Message[];
  readonly tools?: readonly ToolDefinition[];
  readonly toolChoice?: ToolChoice;
  readonly responseFormat?: ResponseFormat;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly stopSequences?: readonly string[];
  readonly seed?: number;
  /** Options of one provider by its name, passed through into the request body. */
  readonly providerOptions?: { readonly [provider: string]: JsonObject };
}

/** Names what a model can do, as data. Units: tokens; `null` is unknown. */
export interface ModelCapabilities {
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
  /** `single` makes one call in an answer; should there be more, all are run. */
  readonly tools: "none" | "single" | "parallel";
  readonly structuredOutput: "none" | "native";
  readonly files: readonly string[];
  readonly reasoning: boolean;
  /** What pausing the stream stops: the delivery only, or the generation itself. */
  readonly pauseEffect: "delivery" | "generation";
  /** `free` costs nothing (local, offline); `metered` has a price, known or not. */
  readonly cost: "free" | "metered";
}

/** Are the options of one call. One signal stops it in every phase: queued, connecting, waiting, streaming. */
export interface StreamOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Is the port for a language model. An adapter translates one wire format, maps its failures to the codes of the providers
 * table (docs/errors.md), and neither retries nor logs. Leaving the stream early closes the connection.
 *
 * Errors: thrown from the stream, as AtlasError with `details` { provider, model, phase, … } and, where known, `partialUsage`.
 */
export interface Model {
  readonly provider: string;
  readonly name: string;
  readonly capabilities: ModelCapabilities;
  stream(request: ModelRequest, options?: StreamOptions): AsyncIterable<StreamPart>;
}

/** Makes models of one provider by name and says what can be used. The `provider` of its models is its `name`. */
export interface Provider extends AsyncDisposable {
  readonly name: string;
  /** Makes a model; the name is not checked against the provider. */
  model(name: string): Model;
  /** Lists the names of the models that the provider offers. Never generates. Errors: those of the providers table. */
  listModels(options?: StreamOptions): Promise<readonly string[]>;
}
