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
import type { FinishReason, Usage } from "../model.ts";
import { toolCallAssembler } from "../tool-calls.ts";
import { redactedMark } from "./anthropic-request.ts";

const finishReasons: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
};

/** Makes a decoder of the events of Anthropic's Messages. Source: "Streaming Messages" of Anthropic's API documentation. */
export function anthropicDecoder(idPrefix: string): StreamDecoder {
  const tools = toolCallAssembler(idPrefix);
  let ended = false;
  let reason: string | undefined;
  let counts: JsonObject = {};
  let usage: Omit<Usage, "provenance"> | undefined;

  const count = (reported: JsonObject | undefined, emit: Emit): void => {
    if (reported === undefined) return;
    // Counts are cumulative, and a later record names only what changed; null says nothing.
    const news = Object.entries(reported).filter(([, value]) => value !== null);
    counts = { ...counts, ...Object.fromEntries(news) };
    usage = usageOf(counts);
    emit({ type: "usage.updated", usage: { ...usage, provenance: "partial" } });
  };
  const pushDelta = (index: number | undefined, delta: JsonObject | undefined, emit: Emit): void => {
    const text = readText(delta, "text");
    const thought = readText(delta, "thinking");
    const signature = readText(delta, "signature");
    const json = readText(delta, "partial_json");
    if (text !== "") emit({ type: "text.delta", text });
    if (thought !== "") emit({ type: "reasoning.delta", text: thought });
    if (signature !== "") emit({ type: "reasoning.delta", text: "", signature });
    if (json !== "") tools.push({ index, text: json }, emit);
  };
  const openBlock = (index: number | undefined, block: JsonObject | undefined, emit: Emit): void => {
    if (readText(block, "type") === "tool_use") {
      tools.push({ id: readText(block, "id"), index, name: readText(block, "name") }, emit);
      const input = readObject(block, "input");
      if (input !== undefined && Object.keys(input).length > 0)
        tools.push({ index, text: JSON.stringify(input) }, emit);
    } else if (readText(block, "type") === "redacted_thinking") {
      emit({ type: "reasoning.delta", text: "", signature: redactedMark + readText(block, "data") });
    } else {
      pushDelta(index, block, emit);
    }
  };
  const read = (event: JsonObject, emit: Emit): FrameOutcome => {
    switch (event["type"]) {
      case "message_start": {
        const message = readObject(event, "message");
        const model = readText(message, "model");
        const responseId = readText(message, "id");
        emit({ type: "response.started", ...(model && { model }), ...(responseId && { responseId }) });
        count(readObject(message, "usage"), emit);
        return undefined;
      }
      case "content_block_start":
        return void openBlock(readCount(event, "index"), readObject(event, "content_block"), emit);
      case "content_block_delta":
        return void pushDelta(readCount(event, "index"), readObject(event, "delta"), emit);
      case "message_delta":
        reason = readText(readObject(event, "delta"), "stop_reason") || reason;
        return void count(readObject(event, "usage"), emit);
      case "message_stop":
        ended = true;
        return undefined;
      case "error":
        return faultOfBody(event);
      default:
        // ping, content_block_stop, and whatever is added later. Calls are completed when the reason is known: a bound
        // of tokens may have cut the last one off.
        return typeof event["type"] === "string" ? undefined : "malformed";
    }
  };
  const finish = (emit: Emit): Fault | undefined => {
    if (reason === undefined || !ended) return cutOff;
    const fault = tools.completeAll(emit, reason === "max_tokens");
    if (fault !== undefined) return fault;
    emit({
      type: "response.finished",
      finishReason: finishReasons[reason] ?? "other",
      usage: { inputTokens: 0, outputTokens: 0, ...usage, provenance: usage === undefined ? "estimated" : "reported" },
      metadata: tools.dropped > 0 ? { droppedToolCalls: tools.dropped } : {},
    });
    return undefined;
  };

  return {
    push(frame, emit) {
      const event = readFrame(frame);
      return event === undefined ? "malformed" : read(event, emit);
    },
    get state() {
      return ended ? "ended" : "open";
    },
    get usage() {
      return usage;
    },
    finish,
  };
}

/** Anthropic counts cached tokens beside the input; Atlas counts them in it. */
function usageOf(counts: JsonObject): Omit<Usage, "provenance"> {
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
