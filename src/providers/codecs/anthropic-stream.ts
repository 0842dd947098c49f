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
} from "../transport/decoder.ts";
import type { Fault } from "../transport/fault.ts";
import { faultOfBody } from "../transport/fault-of.ts";
import type { FinishReason } from "../model.ts";
import { type ToolCallAssembler, toolCallAssembler } from "../tool-calls.ts";
import { redactedMark } from "./anthropic-request.ts";
import { type AnthropicUsage, anthropicUsage } from "./anthropic-usage.ts";
import { finishedUsage } from "./finished-usage.ts";

const finishReasons: ReadonlyMap<string, FinishReason> = new Map([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["tool_use", "tool_calls"],
  ["refusal", "content_filter"],
]);

interface State {
  readonly tools: ToolCallAssembler;
  readonly usage: AnthropicUsage;
  /** The blocks of calls that Anthropic runs itself. */
  readonly foreign: Set<number>;
  started: boolean;
  ended: boolean;
  reason: string | undefined;
  /** What the provider says about the end, such as why the model refused. */
  details: JsonObject | undefined;
}

/** Makes a decoder of the events of Anthropic's Messages. Source: "Streaming Messages" of Anthropic's API documentation. */
export function anthropicDecoder(idPrefix: string): StreamDecoder {
  const state: State = {
    tools: toolCallAssembler(idPrefix),
    usage: anthropicUsage(),
    foreign: new Set(),
    started: false,
    ended: false,
    reason: undefined,
    details: undefined,
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
      return state.usage.counts;
    },
  };
}

function readEvent(state: State, event: JsonObject, emit: Emit): FrameOutcome {
  switch (event["type"]) {
    case "content_block_delta":
      return readDelta(state, event, emit);
    case "message_start": {
      const message = readObject(event, "message");
      start(state, message, emit);
      return readCounts(state, readObject(message, "usage"), emit);
    }
    case "content_block_start":
      return openBlock(state, event, emit);
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
      if (typeof event["type"] === "string") return undefined;
      // Some servers that imitate the format send their failures without a type.
      return readObject(event, "error") === undefined ? "malformed" : faultOfBody(event);
  }
}

function readCounts({ usage }: State, reported: JsonObject | undefined, emit: Emit): undefined {
  if (!usage.add(reported)) return;
  const { counts } = usage;
  if (counts !== undefined) emit({ type: "usage.updated", usage: { ...counts, provenance: "partial" } });
}

function start(state: State, message: JsonObject | undefined, emit: Emit): void {
  if (state.started) return;
  state.started = true;
  const model = readText(message, "model");
  const responseId = readText(message, "id");
  emit({ type: "response.started", ...(model && { model }), ...(responseId && { responseId }) });
}

function openBlock(state: State, event: JsonObject, emit: Emit): FrameOutcome {
  start(state, undefined, emit);
  const index = readCount(event, "index");
  const block = readObject(event, "content_block");
  const type = readText(block, "type");
  if (type === "redacted_thinking") {
    emit({ type: "reasoning.delta", text: "", signature: redactedMark + readText(block, "data") });
  } else if (type === "tool_use") {
    const input = readObject(block, "input") ?? {};
    const text = Object.keys(input).length === 0 ? "" : JSON.stringify(input);
    state.tools.push({ id: readText(block, "id"), index, name: readText(block, "name"), text }, emit);
  } else if (type.endsWith("tool_use")) {
    state.foreign.add(index ?? 0);
  } else readPiece(block, emit);
  return state.tools.fault;
}

function readDelta(state: State, event: JsonObject, emit: Emit): FrameOutcome {
  if (!state.started) start(state, undefined, emit);
  const delta = readObject(event, "delta");
  const json = readText(delta, "partial_json");
  if (json === "") return readPiece(delta, emit);
  const index = readCount(event, "index");
  if (!state.foreign.has(index ?? 0)) state.tools.push({ index, text: json }, emit);
  return state.tools.fault;
}

function readPiece(piece: JsonObject | undefined, emit: Emit): undefined {
  const text = readText(piece, "text");
  const thought = readText(piece, "thinking");
  const signature = readText(piece, "signature");
  if (text !== "") emit({ type: "text.delta", text });
  if (thought !== "") emit({ type: "reasoning.delta", text: thought });
  if (signature !== "") emit({ type: "reasoning.delta", text: "", signature });
}

function finish({ tools, reason, details, ended, usage }: State, emit: Emit): Fault | undefined {
  if (reason === undefined || !ended) return cutOff;
  const fault = tools.completeAll(emit, reason === "max_tokens" || reason === "model_context_window_exceeded");
  if (fault !== undefined) return fault;
  emit({
    type: "response.finished",
    finishReason: finishReasons.get(reason) ?? "other",
    usage: finishedUsage(usage.counts, true),
    metadata: {
      ...(reason === "refusal" && { refusal: refusalOf(details) }),
      ...(tools.dropped > 0 && { droppedToolCalls: tools.dropped }),
      ...(tools.invalid > 0 && { invalidToolCalls: tools.invalid }),
    },
  });
  return undefined;
}

function refusalOf(details: JsonObject | undefined): JsonObject {
  const category = readText(details, "category");
  const explanation = readText(details, "explanation");
  return { ...(category && { category }), ...(explanation && { explanation }) };
}
