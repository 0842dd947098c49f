import { setImmediate as nextTurn } from "node:timers/promises";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import { toAtlasError } from "../../base/index.ts";
import type { FinishReason, Model, ModelCapabilities, ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";
import { decide } from "./decide.ts";
import { estimateInput, estimateTokens } from "./tokens.ts";

const capabilities: ModelCapabilities = {
  contextTokens: null,
  maxOutputTokens: null,
  tools: "parallel",
  structuredOutput: "native",
  files: [],
  reasoning: false,
  prefill: false,
  promptCaching: "none",
  pauseEffect: "generation",
  cost: "free",
};
const deltaPattern = /[\s\S]{1,24}(?=\s|$)\s?|[\s\S]{1,24}/gu;

/**
 * Makes the extractive model: it answers by quoting what its retrieval tool finds, cites each quote as `[passage id]`, says
 * what the documents do not answer, and needs no key, network or weights. The same request gets the same answer.
 *
 * Shape: the metadata of `response.finished` is { extractive, answered, sentences, unanswered }, with `refusal` where a schema
 * or a tool's input cannot be filled from the documents.
 * Errors: the signal's reason, as `cancelled` or `timed_out` where it is an abort or a timeout.
 * Cost: about 20 ms for 100 passages.
 */
export function offline(): Model {
  return {
    provider: "offline",
    name: "extractive",
    capabilities,
    async *stream(request, options = {}) {
      try {
        yield* respond(request, options);
      } catch (error) {
        throw toAtlasError(error);
      }
    },
  };
}

async function* respond(request: ModelRequest, { signal }: StreamOptions): AsyncGenerator<StreamPart> {
  signal?.throwIfAborted();
  yield { type: "response.started", model: "extractive" };
  await nextTurn();
  signal?.throwIfAborted();
  const decision = decide(request);
  const inputTokens = estimateInput(request);
  const usage = (outputTokens: number): Usage => ({ inputTokens, outputTokens, provenance: "estimated" });
  if (decision.type === "calls") {
    yield* callTools(decision.calls, signal);
    const spent = decision.calls.reduce((sum, call) => sum + estimateTokens(call.name + JSON.stringify(call.input)), 0);
    yield finish("tool_calls", usage(spent), decision.metadata);
    return;
  }
  const { text, finishReason } = bounded(decision.text, request);
  for (const [delta] of text.matchAll(deltaPattern)) {
    // Lets timers and sockets have their turn, so that an abort is seen between two deltas.
    await nextTurn();
    signal?.throwIfAborted();
    yield { type: "text.delta", text: delta };
  }
  yield finish(finishReason, usage(estimateTokens(text)), decision.metadata);
}

async function* callTools(
  calls: readonly { id: string; name: string; input: JsonValue }[],
  signal: AbortSignal | undefined,
): AsyncGenerator<StreamPart> {
  for (const { id, name, input } of calls) {
    signal?.throwIfAborted();
    yield { type: "tool.started", id, name };
    yield { type: "tool.delta", id, text: JSON.stringify(input) };
    yield { type: "tool.completed", id, name, input };
  }
}

function finish(finishReason: FinishReason, usage: Usage, metadata: JsonObject): StreamPart {
  return { type: "response.finished", finishReason, usage, metadata };
}

/** Ends a text before a stop sequence and at the allowed number of tokens. */
function bounded(whole: string, request: ModelRequest): { text: string; finishReason: FinishReason } {
  let text = whole;
  for (const sequence of request.stopSequences ?? []) {
    const at = sequence === "" ? -1 : text.indexOf(sequence);
    if (at >= 0) text = text.slice(0, at);
  }
  const limit = request.maxOutputTokens;
  if (limit === undefined || estimateTokens(text) <= limit) return { text, finishReason: "stop" };
  let end = 0;
  let tokens = 0;
  for (const { 0: word, index } of text.matchAll(/\S+/gu)) {
    tokens += estimateTokens(word);
    if (tokens > limit) break;
    end = index + word.length;
  }
  return { text: text.slice(0, end), finishReason: "length" };
}
