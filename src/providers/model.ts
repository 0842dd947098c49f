import type { Budget, JsonObject, JsonValue } from "../base/index.ts";
import type { Attempt, CallReport } from "./call-report.ts";
import type { Embedder } from "./embedder.ts";
import type { Message, ToolDefinition } from "./message.ts";
import type { Usage } from "./usage.ts";

/** Says why a model stopped. `other` is a reason that the provider gave and Atlas has no word for. */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "budget" | "other";

/** Is what a provider says in its headers about what may still be asked of it. Units: `…ResetMs` milliseconds from now until it is full again. */
export type RateLimitReport = {
  readonly requestsLimit?: number;
  readonly requestsRemaining?: number;
  readonly requestsResetMs?: number;
  readonly tokensLimit?: number;
  readonly tokensRemaining?: number;
  readonly tokensResetMs?: number;
};

/**
 * Is one part of a stream.
 *
 * Order: `response.started` first; then deltas; a tool call is `tool.started`, its `tool.delta`s, then `tool.completed`
 * with the whole parsed input; `response.finished` last and exactly once. A stream that ends without it has thrown.
 * Only a group sends `response.restarted` (all that came before it is void: show what follows instead) and
 * `response.continued` (another model goes on where the text stopped).
 */
export type StreamPart =
  | {
      readonly type: "response.started";
      readonly model?: string;
      readonly responseId?: string;
      readonly rateLimits?: RateLimitReport;
    }
  | { readonly type: "response.restarted"; readonly from: string; readonly to: string; readonly code: string }
  | { readonly type: "response.continued"; readonly from: string; readonly to: string; readonly code: string }
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
      /** Tells of every attempt behind this answer, where a group or a guard made it; `usage` is then the sum of them. */
      readonly report?: CallReport;
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
  /** Goes on from a last message that is the assistant's, so that a broken answer can be continued. */
  readonly prefill: boolean;
  /** `automatic` needs no marks; `marked` caches up to the messages marked with `cache`. */
  readonly promptCaching: "none" | "automatic" | "marked";
  /** What pausing the stream stops: the delivery only, or the generation itself. */
  readonly pauseEffect: "delivery" | "generation";
  /** `free` costs nothing (local, offline); `metered` has a price, known or not. */
  readonly cost: "free" | "metered";
}

/**
 * Are the options of one call. One signal stops it in every phase: queued, connecting, waiting, streaming.
 *
 * Bare adapters know the signal alone. The rest is for models with `managed` (groups, guarded and budgeted models).
 */
export interface StreamOptions {
  readonly signal?: AbortSignal | undefined;
  /** What the call may spend: reserved before each attempt, enforced while it streams, settled at its end. */
  readonly budget?: Budget | undefined;
  /** Keeps the calls of one conversation on one model, for the sake of its prompt cache. */
  readonly session?: string | undefined;
  /** Names the kind of task, such as `code` or `summary`, for strategies that choose by it. */
  readonly task?: string | undefined;
  /** Is read whenever a model fails: set `enabled` to false at any time, also while the answer streams, to stay on the model. */
  readonly fallback?: { readonly enabled: boolean } | undefined;
  /** Is told of each attempt as it ends, before the call itself does. */
  readonly onAttempt?: ((attempt: Attempt) => void) | undefined;
  /** Is asked whether the reader has paused: the clocks of the call then stand still, also while a read is under way. */
  readonly pausing?: Pausing | undefined;
}

/** Tells a call whether its reader has paused. */
export interface Pausing {
  readonly paused: boolean;
  /** Calls the listener after each change; what it gives back takes the listener away, and the end of the stream does as well. */
  onChange(listener: () => void): () => void;
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
  /** Tells that retries, limits, budgets and accounting are its own affair: a group, or a model that was guarded. */
  readonly managed?: boolean;
  stream(request: ModelRequest, options?: StreamOptions): AsyncIterable<StreamPart>;
}

/** Makes models of one provider by name and says what can be used. The `provider` of its models is its `name`. */
export interface Provider extends AsyncDisposable {
  readonly name: string;
  /** Makes a model; the name is not checked against the provider. */
  model(name: string): Model;
  /** Lists the names of the models that the provider offers. Never generates. Errors: those of the providers table. */
  listModels(options?: StreamOptions): Promise<readonly string[]>;
  /** Makes an embedder, where the provider has embeddings; the name is not checked against the provider. */
  embedder?(name: string): Embedder;
}
