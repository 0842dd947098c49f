import type { JsonObject } from "../base/index.ts";
import { collect, providerErrors } from "../providers/index.ts";
import type {
  CallReport,
  FinishReason,
  Message,
  Model,
  ModelRequest,
  StreamOptions,
  StreamPart,
  Usage,
} from "../providers/index.ts";

/** Is the answer of one model call as a run records it. Units: `costMicroUsd` as in AgentResult. */
export type RecordedResponse = {
  readonly message: Extract<Message, { role: "assistant" }>;
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  readonly metadata: JsonObject;
  readonly costMicroUsd: number | null;
  /** The part of the call's report that the loop counts; the whole report stands beside the answer in the log. */
  readonly report?: Pick<CallReport, "attempts" | "knownCostMicroUsd">;
  /** Where the whole answer stands in the run's log. */
  readonly seq?: number;
  /** Units: milliseconds. */
  readonly durationMs?: number;
  readonly firstPartMs?: number;
};

/** Is the answer of one model call with its whole report. */
export type ModelResponse = RecordedResponse & { readonly report?: CallReport };

/** Is one call of a model. */
export interface ModelCall {
  readonly model: Model;
  readonly request: ModelRequest;
  readonly options: StreamOptions & { readonly signal: AbortSignal };
  /** Sees each part as it arrives. */
  readonly onPart: (part: StreamPart) => void;
  /** Is waited for before each part is read: the model is held back as long as it lasts. */
  readonly held?: (() => Promise<void> | undefined) | undefined;
}

/**
 * Calls a model and gathers its answer. It tries nothing again: that is the affair of the model, which alone knows what has
 * been shown, billed and limited.
 *
 * Errors: those of the providers table; budget_exceeded; the signal's reason when it aborts.
 */
export async function callModel({ model, request, options, onPart, held }: ModelCall): Promise<ModelResponse> {
  const collector = collect(model);
  try {
    for await (const part of model.stream(request, options)) {
      collector.push(part);
      onPart(part);
      const pause = held?.();
      if (pause !== undefined) await pause;
    }
  } catch (error) {
    // Who stopped the call says why, not the model that was stopped.
    options.signal.throwIfAborted();
    throw error;
  }
  const { result } = collector;
  if (result === undefined) {
    throw providerErrors.create(
      "stream_interrupted",
      `${model.provider}/${model.name} ended its answer without finishing it.`,
    );
  }
  const { message, finishReason, usage, metadata, report } = result;
  const costMicroUsd = report === undefined ? unreported(model) : report.costMicroUsd;
  return { message, finishReason, usage, metadata, costMicroUsd, ...(report !== undefined && { report }) };
}

/** A model that nothing prices costs nothing where it is free, and an unknown amount elsewhere. */
function unreported(model: Model): number | null {
  return model.capabilities.cost === "free" ? 0 : null;
}
