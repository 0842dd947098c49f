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
} from "../transport/decoder.ts";
import type { Fault } from "../transport/fault.ts";
import { faultOfBody } from "../transport/fault-of.ts";
import type { Frame } from "../transport/frames.ts";
import type { FinishReason } from "../model.ts";
import { type ToolCallAssembler, type ToolCallDelta, toolCallAssembler } from "../tool-calls.ts";
import { finishedUsage } from "./finished-usage.ts";
import { type Counts, readOpenAiUsage } from "./openai-usage.ts";
import { type ReasoningDetails, reasoningDetails } from "./reasoning-details.ts";

const finishReasons: ReadonlyMap<string, FinishReason> = new Map([
  ["stop", "stop"],
  ["length", "length"],
  ["tool_calls", "tool_calls"],
  ["function_call", "tool_calls"],
  ["content_filter", "content_filter"],
]);

interface State {
  readonly tools: ToolCallAssembler;
  /** Is made when the first comes: one provider has them. */
  details: ReasoningDetails | undefined;
  started: boolean;
  terminated: boolean;
  /** Why the model refuses, as far as it has said it; empty when it does not. */
  refusal: string;
  reason: string | undefined;
  usage: Counts | undefined;
  /** Tells that something of the answer came after the last usage record, which is then not the last word. */
  overtaken: boolean;
}

/** Makes a decoder of the chunks of OpenAI's Chat Completions. Source: the `chat.completion.chunk` object of OpenAI's API. */
export function openaiChatDecoder(idPrefix: string): StreamDecoder {
  const state: State = {
    tools: toolCallAssembler(idPrefix),
    details: undefined,
    started: false,
    terminated: false,
    refusal: "",
    reason: undefined,
    usage: undefined,
    overtaken: false,
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
  if (frame.data.startsWith("[") && frame.data.trim() === "[DONE]") {
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
  const choices = chunk["choices"];
  if (Array.isArray(choices)) {
    for (const choice of choices as readonly JsonValue[]) {
      if (!isJsonObject(choice) || (choice["index"] ?? 0) !== 0) continue;
      readChoice(state, choice, emit);
      // Some servers put the record into the choice.
      if (isJsonObject(choice["usage"])) readUsage(state, choice["usage"], emit);
    }
  }
  const record = objectOf(chunk["usage"]) ?? objectOf(objectOf(chunk["x_groq"])?.["usage"]);
  if (record !== undefined) readUsage(state, record, emit);
  return state.tools.fault;
}

function readUsage(state: State, record: JsonObject, emit: Emit): void {
  const usage = readOpenAiUsage(record, state.usage);
  if (usage === undefined) return;
  state.usage = usage;
  state.overtaken = false;
  emit({ type: "usage.updated", usage: { ...usage, provenance: "partial" } });
}

function readChoice(state: State, choice: JsonObject, emit: Emit): void {
  const delta = objectOf(choice["delta"]) ?? objectOf(choice["message"]);
  if (delta !== undefined) readDelta(state, delta, emit);
  state.reason = textOf(choice["finish_reason"]) || state.reason;
}

function readDelta(state: State, delta: JsonObject, emit: Emit): void {
  const content = delta["content"];
  const inParts = Array.isArray(content) ? readObjects(delta, "content") : noParts;
  const thought = textOf(delta["reasoning_content"]) || textOf(delta["reasoning"]) || thoughtIn(inParts);
  if (thought !== "") emit({ type: "reasoning.delta", text: thought });
  if (delta["reasoning_details"] !== undefined) {
    (state.details ??= reasoningDetails()).add(readObjects(delta, "reasoning_details"));
  }
  const refusal = textOf(delta["refusal"]);
  if (refusal !== "") state.refusal += refusal;
  const text = (textOf(content) || textIn(inParts)) + refusal;
  if (text !== "") {
    sign(state, emit);
    emit({ type: "text.delta", text });
  }
  const calls = delta["tool_calls"];
  const called = Array.isArray(calls) && calls.length > 0;
  if (called) for (const call of readObjects(delta, "tool_calls")) state.tools.push(deltaOf(call), emit);
  if (called || text !== "" || thought !== "") state.overtaken = true;
}

/** A constant key at the place of its use is what makes reading a field cheap; these only tell what was read. */
function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}

/** Gives the thoughts that have come their signature, before what they led to. */
function sign({ details }: State, emit: Emit): void {
  const signature = details?.take();
  if (signature !== undefined) emit({ type: "reasoning.delta", text: "", signature });
}

const noParts: readonly JsonObject[] = [];

/** Reads the text in a list of parts, which is how Mistral sends what its reasoning models say. */
function textIn(parts: readonly JsonObject[]): string {
  return parts.length === 0 ? "" : parts.map((part) => readText(part, "text")).join("");
}

function thoughtIn(parts: readonly JsonObject[]): string {
  return parts.length === 0 ? "" : parts.map((part) => textIn(readObjects(part, "thinking"))).join("");
}

function finish(state: State, emit: Emit): Fault | undefined {
  const { tools, reason, refusal } = state;
  // Without a finish reason an answer is whole only if the terminator came and there are complete tool calls to go by.
  if (reason === undefined && !(state.terminated && tools.count > 0 && tools.sound)) return cutOff;
  sign(state, emit);
  const fault = tools.completeAll(emit, reason === "length");
  if (fault !== undefined) return fault;
  emit({
    type: "response.finished",
    finishReason: finishReasonOf(reason, tools.count),
    usage: finishedUsage(state.usage, !state.overtaken),
    metadata: {
      ...(reason === undefined && { missingFinishReason: true }),
      ...(refusal !== "" && { refusal }),
      ...(tools.dropped > 0 && { droppedToolCalls: tools.dropped }),
      ...(tools.invalid > 0 && { invalidToolCalls: tools.invalid }),
    },
  });
  return undefined;
}

function finishReasonOf(reason: string | undefined, toolCalls: number): FinishReason {
  // Several compatible servers say "stop" beside tool calls.
  if (toolCalls > 0 && (reason === undefined || reason === "stop")) return "tool_calls";
  return finishReasons.get(reason ?? "") ?? "other";
}

function deltaOf(call: JsonObject): ToolCallDelta {
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
