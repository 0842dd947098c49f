import type { JsonObject } from "../../base/index.ts";
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
import type { FinishReason } from "../model.ts";
import { type ToolCallAssembler, toolCallAssembler } from "../tool-calls.ts";
import { finishedUsage } from "./finished-usage.ts";
import { thoughtMark } from "./openai-responses-request.ts";
import { type Counts, readOpenAiUsage } from "./openai-usage.ts";

interface State {
  readonly tools: ToolCallAssembler;
  started: boolean;
  /** Is the whole response as it stands in the last event, once that has come. */
  response: JsonObject | undefined;
  refusal: string;
  usage: Counts | undefined;
  /** The outputs that have come in pieces: what their end repeats is not given again. */
  readonly streamed: Set<number>;
  latest: number;
}

/** Makes a decoder of the events of OpenAI's Responses. Source: the types `ResponseStreamEvent` of OpenAI's own client. */
export function openaiResponsesDecoder(idPrefix: string): StreamDecoder {
  const state: State = {
    tools: toolCallAssembler(idPrefix),
    started: false,
    response: undefined,
    refusal: "",
    usage: undefined,
    streamed: new Set(),
    latest: -1,
  };
  return {
    push(frame, emit) {
      const event = readFrame(frame);
      return event === undefined ? unreadable(frame.data) : readEvent(state, event, emit);
    },
    finish: (emit) => finish(state, emit),
    get state() {
      return state.response === undefined ? "open" : "ended";
    },
    get usage() {
      return state.usage;
    },
  };
}

/** Some servers that imitate the format close with the terminator of the other one. */
function unreadable(data: string): FrameOutcome {
  return data.trim() === "[DONE]" ? undefined : "malformed";
}

function readEvent(state: State, event: JsonObject, emit: Emit): FrameOutcome {
  switch (event["type"]) {
    case "response.output_text.delta":
      return readTextDelta(state, event, emit);
    case "response.function_call_arguments.delta":
      state.tools.push({ index: outputOf(event), text: readText(event, "delta") }, emit);
      return state.tools.fault;
    case "response.reasoning_summary_text.delta":
    case "response.reasoning_text.delta":
      return readThought(state, event, emit);
    case "response.created":
    case "response.queued":
    case "response.in_progress":
      return start(state, readObject(event, "response"), emit);
    case "response.refusal.delta":
      state.refusal += readText(event, "delta");
      return readTextDelta(state, event, emit);
    case "response.reasoning_summary_part.added":
      if ((readCount(event, "summary_index") ?? 0) > 0) emit({ type: "reasoning.delta", text: "\n\n" });
      return undefined;
    case "response.function_call_arguments.done":
      state.tools.settle({ index: outputOf(event), text: readText(event, "arguments") }, emit);
      return state.tools.fault;
    case "response.output_item.added":
      return openItem(state, { index: outputOf(event), item: readObject(event, "item") }, emit);
    case "response.output_item.done":
      return closeItem(state, { index: outputOf(event), item: readObject(event, "item") }, emit);
    case "response.completed":
    case "response.incomplete":
      return readEnd(state, readObject(event, "response"), emit);
    case "response.failed":
      state.usage = readOpenAiUsage(readObject(readObject(event, "response"), "usage")) ?? state.usage;
      return faultOfError(readObject(readObject(event, "response"), "error") ?? {});
    case "error":
      return faultOfError(event);
    default:
      if (event["error"] !== undefined && event["error"] !== null) return faultOfError(event);
      // The parts of what is repeated whole, the events of OpenAI's own tools, and whatever is added later.
      return typeof event["type"] === "string" ? undefined : "malformed";
  }
}

function outputOf(event: JsonObject): number | undefined {
  return readCount(event, "output_index");
}

function start(state: State, response: JsonObject | undefined, emit: Emit): undefined {
  if (state.started) return;
  state.started = true;
  const model = readText(response, "model");
  const responseId = readText(response, "id");
  emit({ type: "response.started", ...(model && { model }), ...(responseId && { responseId }) });
}

/** Notes that an output comes in pieces. */
function note(state: State, event: JsonObject): void {
  const index = outputOf(event) ?? 0;
  if (index === state.latest) return;
  state.latest = index;
  state.streamed.add(index);
}

function readTextDelta(state: State, event: JsonObject, emit: Emit): undefined {
  const text = readText(event, "delta");
  if (text === "") return;
  note(state, event);
  emit({ type: "text.delta", text });
}

function readThought(state: State, event: JsonObject, emit: Emit): undefined {
  const text = readText(event, "delta");
  if (text === "") return;
  note(state, event);
  emit({ type: "reasoning.delta", text });
}

interface Item {
  readonly index: number | undefined;
  readonly item: JsonObject | undefined;
}

function openItem({ tools }: State, { index, item }: Item, emit: Emit): FrameOutcome {
  if (readText(item, "type") !== "function_call") return undefined;
  tools.push(
    { id: readText(item, "call_id"), index, name: readText(item, "name"), text: readText(item, "arguments") },
    emit,
  );
  return tools.fault;
}

/** Reads an output at its end, where it is whole: what has not come in pieces is given now, and a thought gets its signature. */
function closeItem(state: State, { index, item }: Item, emit: Emit): FrameOutcome {
  const seen = state.streamed.has(index ?? 0);
  switch (readText(item, "type")) {
    case "function_call": {
      const text = readText(item, "arguments");
      state.tools.settle({ id: readText(item, "call_id"), index, name: readText(item, "name"), text }, emit);
      return state.tools.fault;
    }
    case "message":
      for (const part of seen ? [] : readObjects(item, "content")) {
        const refusal = readText(part, "refusal");
        state.refusal += refusal;
        const text = readText(part, "text") + refusal;
        if (text !== "") emit({ type: "text.delta", text });
      }
      return undefined;
    case "reasoning": {
      const said = [...readObjects(item, "summary"), ...readObjects(item, "content")];
      const text = seen ? "" : said.map((part) => readText(part, "text")).join("\n\n");
      const encrypted = readText(item, "encrypted_content");
      const signature = encrypted && readText(item, "id") + thoughtMark + encrypted;
      if (text !== "" || signature !== "")
        emit({ type: "reasoning.delta", text, ...(signature !== "" && { signature }) });
      return undefined;
    }
    default:
      return undefined;
  }
}

function readEnd(state: State, response: JsonObject | undefined, emit: Emit): FrameOutcome {
  if (response === undefined) return "malformed";
  start(state, response, emit);
  state.response = response;
  const usage = readOpenAiUsage(readObject(response, "usage"));
  if (usage === undefined) return undefined;
  state.usage = usage;
  emit({ type: "usage.updated", usage: { ...usage, provenance: "partial" } });
  return undefined;
}

function finish({ tools, response, refusal, usage }: State, emit: Emit): Fault | undefined {
  if (response === undefined) return cutOff;
  const incomplete = readText(response, "status") === "incomplete";
  const fault = tools.completeAll(emit, incomplete);
  if (fault !== undefined) return fault;
  const reason = readText(readObject(response, "incomplete_details"), "reason");
  emit({
    type: "response.finished",
    finishReason: incomplete ? (incompleteReasons.get(reason) ?? "other") : tools.count > 0 ? "tool_calls" : "stop",
    usage: finishedUsage(usage, true),
    metadata: {
      ...(refusal !== "" && { refusal }),
      ...(tools.dropped > 0 && { droppedToolCalls: tools.dropped }),
      ...(tools.invalid > 0 && { invalidToolCalls: tools.invalid }),
    },
  });
  return undefined;
}

const incompleteReasons: ReadonlyMap<string, FinishReason> = new Map([
  ["max_output_tokens", "length"],
  ["content_filter", "content_filter"],
]);

const refusals: readonly (readonly [RegExp, Fault])[] = [
  [
    /^invalid_prompt$|_policy(_violation)?$/,
    { code: "provider_content_filter", message: "stopped the request by its content policy" },
  ],
  [
    /^(invalid_|unsupported_|image_|empty_image|failed_to_download_image|data_residency)/,
    { code: "provider_invalid_request", message: "refused the request" },
  ],
];

/** Reads a failure; the codes that this format alone has are told from a failure of the server. */
function faultOfError(error: JsonObject): Fault {
  const fault = faultOfBody(error);
  const code = readText(readObject(error, "error") ?? error, "code");
  const known = fault.code === "provider_error" ? refusals.find(([pattern]) => pattern.test(code))?.[1] : undefined;
  return known === undefined ? fault : { ...fault, ...known };
}
