import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import {
  cutOff,
  type Emit,
  type FrameOutcome,
  readCount,
  readFrame,
  readObject,
  readObjects,
  readText,
  type StreamDecoder,
} from "../decoder.ts";
import type { Fault } from "../fault.ts";
import { faultOfBody } from "../fault-of.ts";
import type { Frame } from "../frames.ts";
import type { FinishReason } from "../model.ts";
import type { Usage } from "../usage.ts";
import { type ToolCallAssembler, toolCallAssembler } from "../tool-calls.ts";

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
};

interface State {
  readonly tools: ToolCallAssembler;
  started: boolean;
  terminated: boolean;
  /** Why the model refuses, as far as it has said it; empty when it does not. */
  refusal: string;
  reason: string | undefined;
  usage: Omit<Usage, "provenance"> | undefined;
}

/** Makes a decoder of the chunks of OpenAI's Chat Completions. Source: the `chat.completion.chunk` object of OpenAI's API. */
export function openaiChatDecoder(idPrefix: string): StreamDecoder {
  const state: State = {
    tools: toolCallAssembler(idPrefix),
    started: false,
    terminated: false,
    refusal: "",
    reason: undefined,
    usage: undefined,
  };
  return {
    push: (frame, emit) => readChunk(state, frame, emit),
    finish: (emit) => finish(state, emit),
    get state() {
      if (state.terminated) return "ended";
      return state.reason === undefined ? "open" : "complete";
    },
    get usage() {
      return state.usage;
    },
  };
}

function readChunk(state: State, frame: Frame, emit: Emit): FrameOutcome {
  if (frame.data.trim() === "[DONE]") {
    state.terminated = true;
    return undefined;
  }
  const chunk = readFrame(frame);
  if (chunk === undefined) return "malformed";
  if (chunk["error"] !== undefined && chunk["error"] !== null) return faultOfBody(chunk);
  if (!state.started) {
    state.started = true;
    const model = readText(chunk, "model");
    const responseId = readText(chunk, "id");
    emit({ type: "response.started", ...(model && { model }), ...(responseId && { responseId }) });
  }
  for (const choice of readObjects(chunk, "choices")) {
    if ((choice["index"] ?? 0) === 0) readChoice(state, choice, emit);
  }
  const usage = readUsage(readObject(chunk, "usage"));
  if (usage === undefined) return undefined;
  state.usage = usage;
  emit({ type: "usage.updated", usage: { ...usage, provenance: "partial" } });
  return undefined;
}

function readChoice(state: State, choice: JsonObject, emit: Emit): void {
  const delta = readObject(choice, "delta") ?? readObject(choice, "message");
  const thought = readText(delta, "reasoning_content") || readText(delta, "reasoning");
  if (thought !== "") emit({ type: "reasoning.delta", text: thought });
  const refusal = readText(delta, "refusal");
  state.refusal += refusal;
  const text = readText(delta, "content") + refusal;
  if (text !== "") emit({ type: "text.delta", text });
  for (const call of readObjects(delta, "tool_calls")) state.tools.push(deltaOf(call), emit);
  state.reason = readText(choice, "finish_reason") || state.reason;
}

function finish({ tools, reason, terminated, refusal, usage }: State, emit: Emit): Fault | undefined {
  // Without a finish reason an answer is whole only if the terminator came and there are complete tool calls to go by.
  if (reason === undefined && !(terminated && tools.count > 0)) return cutOff;
  const fault = tools.completeAll(emit, reason === "length");
  if (fault !== undefined) return fault;
  emit({
    type: "response.finished",
    finishReason: finishReasonOf(reason, tools.count),
    usage: { inputTokens: 0, outputTokens: 0, ...usage, provenance: usage === undefined ? "estimated" : "reported" },
    metadata: {
      ...(reason === undefined && { missingFinishReason: true }),
      ...(refusal !== "" && { refusal }),
      ...(tools.dropped > 0 && { droppedToolCalls: tools.dropped }),
    },
  });
  return undefined;
}

function finishReasonOf(reason: string | undefined, toolCalls: number): FinishReason {
  // Several compatible servers say "stop" beside tool calls.
  if (toolCalls > 0 && (reason === undefined || reason === "stop")) return "tool_calls";
  return finishReasons[reason ?? ""] ?? "other";
}

function deltaOf(call: JsonObject): { id: string; index: number | undefined; name: string; text: string } {
  const made = readObject(call, "function");
  return {
    id: readText(call, "id"),
    index: readCount(call, "index"),
    name: readText(made, "name"),
    text: argumentsOf(made?.["arguments"]),
  };
}

function argumentsOf(value: JsonValue | undefined): string {
  if (typeof value === "string") return value;
  return isJsonObject(value) ? JSON.stringify(value) : "";
}

function readUsage(usage: JsonObject | undefined): Omit<Usage, "provenance"> | undefined {
  const inputTokens = readCount(usage, "prompt_tokens");
  const outputTokens = readCount(usage, "completion_tokens");
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const input = readObject(usage, "prompt_tokens_details");
  const cached = readCount(input, "cached_tokens") ?? readCount(usage, "prompt_cache_hit_tokens");
  const written = readCount(input, "cache_write_tokens");
  const reasoning = readCount(readObject(usage, "completion_tokens_details"), "reasoning_tokens");
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    ...(cached !== undefined && { cachedInputTokens: cached }),
    ...(written !== undefined && { cacheWriteTokens: written }),
    ...(reasoning !== undefined && { reasoningTokens: reasoning }),
  };
}
