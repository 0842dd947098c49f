import type { JsonObject } from "../../base/index.ts";
import {
  cutOff,
  type Emit,
  type FrameOutcome,
  readCount,
  readFrame,
  readObject,
  readText,
  type StreamDecoder,
} from "../decoder.ts";
import type { Fault } from "../fault.ts";
import { faultOfBody } from "../fault-of.ts";
import type { FinishReason } from "../model.ts";
import type { Usage } from "../usage.ts";
import { type ToolCallAssembler, toolCallAssembler } from "../tool-calls.ts";
import { redactedMark } from "./anthropic-request.ts";

const finishReasons: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
};

interface State {
  readonly tools: ToolCallAssembler;
  ended: boolean;
  reason: string | undefined;
  /** What the provider says about the end, such as why the model refused. */
  details: JsonObject | undefined;
  counts: JsonObject;
}

/** Makes a decoder of the events of Anthropic's Messages. Source: "Streaming Messages" of Anthropic's API documentation. */
export function anthropicDecoder(idPrefix: string): StreamDecoder {
  const state: State = {
    tools: toolCallAssembler(idPrefix),
    ended: false,
    reason: undefined,
    details: undefined,
    counts: {},
  };
  return {
    push(frame, emit) {
      const event = readFrame(frame);
      return event === undefined ? "malformed" : readEvent(state, event, emit);
    },
    finish: (emit) => finish(state, emit),
    get state() {
      return state.ended ? "ended" : "open";
    },
    get usage() {
      return usageOf(state.counts);
    },
  };
}

function readEvent(state: State, event: JsonObject, emit: Emit): FrameOutcome {
  switch (event["type"]) {
    case "message_start": {
      const message = readObject(event, "message");
      const model = readText(message, "model");
      const responseId = readText(message, "id");
      emit({ type: "response.started", ...(model && { model }), ...(responseId && { responseId }) });
      return readCounts(state, readObject(message, "usage"), emit);
    }
    case "content_block_start":
      return openBlock(state, event, emit);
    case "content_block_delta":
      return readDelta(state, { index: readCount(event, "index"), delta: readObject(event, "delta") }, emit);
    case "message_delta": {
      const delta = readObject(event, "delta");
      state.reason = readText(delta, "stop_reason") || state.reason;
      state.details = readObject(delta, "stop_details") ?? state.details;
      return readCounts(state, readObject(event, "usage"), emit);
    }
    case "message_stop":
      state.ended = true;
      return undefined;
    case "error":
      return faultOfBody(event);
    default:
      // ping, content_block_stop, and whatever is added later. Calls are completed when the reason is known: a bound of
      // tokens may have cut the last one off.
      return typeof event["type"] === "string" ? undefined : "malformed";
  }
}

function readCounts(state: State, reported: JsonObject | undefined, emit: Emit): undefined {
  // Counts are cumulative, and a later record names only what changed; null says nothing.
  const news = Object.entries(reported ?? {}).filter(([, value]) => value !== null);
  if (news.length === 0) return;
  state.counts = { ...state.counts, ...Object.fromEntries(news) };
  const usage = usageOf(state.counts);
  if (usage !== undefined) emit({ type: "usage.updated", usage: { ...usage, provenance: "partial" } });
}

function openBlock(state: State, event: JsonObject, emit: Emit): undefined {
  const index = readCount(event, "index");
  const block = readObject(event, "content_block");
  const type = readText(block, "type");
  if (type === "redacted_thinking") {
    emit({ type: "reasoning.delta", text: "", signature: redactedMark + readText(block, "data") });
    return;
  }
  if (type !== "tool_use") return readDelta(state, { index, delta: block }, emit);
  const input = readObject(block, "input") ?? {};
  const text = Object.keys(input).length === 0 ? "" : JSON.stringify(input);
  state.tools.push({ id: readText(block, "id"), index, name: readText(block, "name"), text }, emit);
}

function readDelta(
  state: State,
  { index, delta }: { readonly index: number | undefined; readonly delta: JsonObject | undefined },
  emit: Emit,
): undefined {
  const text = readText(delta, "text");
  const thought = readText(delta, "thinking");
  const signature = readText(delta, "signature");
  const json = readText(delta, "partial_json");
  if (text !== "") emit({ type: "text.delta", text });
  if (thought !== "") emit({ type: "reasoning.delta", text: thought });
  if (signature !== "") emit({ type: "reasoning.delta", text: "", signature });
  if (json !== "") state.tools.push({ index, text: json }, emit);
}

function finish({ tools, reason, details, ended, counts }: State, emit: Emit): Fault | undefined {
  if (reason === undefined || !ended) return cutOff;
  const fault = tools.completeAll(emit, reason === "max_tokens");
  if (fault !== undefined) return fault;
  const usage = usageOf(counts);
  emit({
    type: "response.finished",
    finishReason: finishReasons[reason] ?? "other",
    usage: { inputTokens: 0, outputTokens: 0, ...usage, provenance: usage === undefined ? "estimated" : "reported" },
    metadata: {
      ...(reason === "refusal" && { refusal: refusalOf(details) }),
      ...(tools.dropped > 0 && { droppedToolCalls: tools.dropped }),
    },
  });
  return undefined;
}

function refusalOf(details: JsonObject | undefined): JsonObject {
  const category = readText(details, "category");
  const explanation = readText(details, "explanation");
  return { ...(category && { category }), ...(explanation && { explanation }) };
}

/** Anthropic counts cached tokens beside the input; Atlas counts them in it. */
function usageOf(counts: JsonObject): Omit<Usage, "provenance"> | undefined {
  if (readCount(counts, "input_tokens") === undefined && readCount(counts, "output_tokens") === undefined)
    return undefined;
  const cached = readCount(counts, "cache_read_input_tokens");
  const written = readCount(counts, "cache_creation_input_tokens");
  const reasoning = readCount(readObject(counts, "output_tokens_details"), "thinking_tokens");
  return {
    inputTokens: (readCount(counts, "input_tokens") ?? 0) + (cached ?? 0) + (written ?? 0),
    outputTokens: readCount(counts, "output_tokens") ?? 0,
    ...(cached !== undefined && { cachedInputTokens: cached }),
    ...(written !== undefined && { cacheWriteTokens: written }),
    ...(reasoning !== undefined && { reasoningTokens: reasoning }),
  };
}
