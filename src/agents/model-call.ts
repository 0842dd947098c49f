import { isAtlasError } from "../base/index.ts";
import type { Clock, JsonObject } from "../base/index.ts";
import { collect, providerErrors } from "../providers/index.ts";
import type { FinishReason, Message, Model, ModelRequest, StreamPart, Usage } from "../providers/index.ts";

/** Is the answer of one model call as a run records it. */
export type RecordedResponse = {
  readonly message: Extract<Message, { role: "assistant" }>;
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  readonly metadata: JsonObject;
};

/** Is one call of a model. */
export interface ModelCall {
  readonly model: Model;
  readonly request: ModelRequest;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Sees each part as it arrives. */
  readonly onPart: (part: StreamPart) => void;
  /** Is told before each further attempt. */
  readonly onRetry: (retry: ModelRetry) => void;
}

/** Says that a call is tried again. Units: `delayMs` until then; `attempt` counts the failed ones. */
export type ModelRetry = { readonly attempt: number; readonly code: string; readonly delayMs: number };

const maxAttempts = 3;
const maxRetryAfterMs = 30_000;

/**
 * Calls a model and gathers its answer. A failure that may pass is tried again, twice at most and only as long as nothing
 * has been shown: what a reader has seen is never taken back.
 *
 * Errors: those of the providers table; the signal's reason when it aborts.
 */
export async function callModel(call: ModelCall): Promise<RecordedResponse> {
  for (let attempt = 1; ; attempt++) {
    let shown = false;
    try {
      return await gather(call, (part) => {
        shown ||= part.type === "text.delta" || part.type === "reasoning.delta";
        call.onPart(part);
      });
    } catch (error) {
      // Who stopped the call says why, not the model that was stopped.
      call.signal.throwIfAborted();
      if (shown || attempt === maxAttempts || !isAtlasError(error) || error.retry !== "later") throw error;
      const delayMs = retryDelayMs(error.details, attempt);
      call.onRetry({ attempt, code: error.code, delayMs });
      await call.clock.sleep(delayMs, { signal: call.signal });
    }
  }
}

async function gather(
  { model, request, signal }: ModelCall,
  onPart: (part: StreamPart) => void,
): Promise<RecordedResponse> {
  const collector = collect(model);
  for await (const part of model.stream(request, { signal })) {
    collector.push(part);
    onPart(part);
  }
  if (collector.result === undefined) {
    throw providerErrors.create(
      "stream_interrupted",
      `${model.provider}/${model.name} ended its answer without finishing it.`,
    );
  }
  const { message, finishReason, usage, metadata } = collector.result;
  return { message, finishReason, usage, metadata };
}

function retryDelayMs(details: JsonObject, attempt: number): number {
  const asked = details["retryAfterMs"];
  return typeof asked === "number" ? Math.min(asked, maxRetryAfterMs) : 500 * 2 ** (attempt - 1);
}
