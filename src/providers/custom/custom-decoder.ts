import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject, parseJson } from "../../base/index.ts";
import { countOf, cutOff, type Emit, type FrameOutcome, type StreamDecoder } from "../transport/decoder.ts";
import type { Fault } from "../transport/fault.ts";
import { faultOfBody } from "../transport/fault-of.ts";
import type { FinishReason } from "../model.ts";
import { type ToolCallAssembler, toolCallAssembler } from "../tool-calls.ts";
import type { Usage } from "../usage.ts";
import type { CustomError, CustomResponse, CustomToolCalls, CustomUsage } from "./custom-response.ts";
import { type JsonPath, readAt } from "./json-path.ts";

type Counts = Omit<Usage, "provenance">;

interface State {
  readonly response: CustomResponse;
  readonly tools: ToolCallAssembler;
  started: boolean;
  ended: boolean;
  /** All text up to now, kept only where the endpoint repeats it. */
  said: string;
  spoke: boolean;
  /** What should have been the one JSON of an answer, and is none. */
  broken: string | undefined;
  reason: string | undefined;
  usage: Counts | undefined;
}

/** Makes a decoder of one answer of an endpoint that a configuration describes. */
export function customDecoder(response: CustomResponse, idPrefix: string): StreamDecoder {
  const state: State = {
    response,
    tools: toolCallAssembler(idPrefix),
    started: false,
    ended: false,
    said: "",
    spoke: false,
    broken: undefined,
    reason: undefined,
    usage: undefined,
  };
  return {
    push: (frame, emit) => readData(state, frame.data, emit),
    finish: (emit) => finish(state, emit),
    get state() {
      if (state.ended) return "ended";
      return state.reason === undefined ? "open" : "complete";
    },
    get usage() {
      return state.usage;
    },
  };
}

function readData(state: State, data: string, emit: Emit): FrameOutcome {
  const { response } = state;
  if (response.stream === "text") {
    start(state, undefined, emit);
    say(state, data, emit);
    return undefined;
  }
  if (response.end.text !== undefined && data.trim() === response.end.text) {
    state.ended = true;
    return undefined;
  }
  let event: JsonValue;
  try {
    event = parseJson(data, "an event");
  } catch {
    if (response.stream === "json") state.broken = data;
    return response.stream === "json" ? undefined : "malformed";
  }
  return readEvent(state, event, emit);
}

function readEvent(state: State, event: JsonValue, emit: Emit): FrameOutcome {
  const { response } = state;
  const failure = failureIn(event, response.error);
  if (failure !== undefined) return faultOfBody(failure);
  start(state, event, emit);
  const thought = readText(event, response.reasoning);
  if (thought !== "") emit({ type: "reasoning.delta", text: thought });
  say(state, readText(event, response.delta), emit);
  if (response.text !== undefined && !sayRest(state, readText(event, response.text), emit)) return "malformed";
  if (response.toolCalls !== undefined) readTools(state.tools, readCalls(event, response.toolCalls), emit);
  state.reason = wordOf(readAtPlace(event, response.finishReason)) ?? state.reason;
  if (readAtPlace(event, response.end.path) === true) state.ended = true;
  const usage = response.usage && readUsage(event, response.usage, state.usage);
  if (usage !== undefined) {
    state.usage = usage;
    emit({ type: "usage.updated", usage: { ...usage, provenance: "partial" } });
  }
  return state.tools.fault;
}

function start(state: State, event: JsonValue | undefined, emit: Emit): void {
  if (state.started) return;
  state.started = true;
  const model = readText(event, state.response.model);
  const responseId = readText(event, state.response.id);
  emit({ type: "response.started", ...(model && { model }), ...(responseId && { responseId }) });
}

function say(state: State, text: string, emit: Emit): void {
  if (text === "") return;
  state.spoke = true;
  if (state.response.text !== undefined) state.said += text;
  emit({ type: "text.delta", text });
}

/** Says what is new in a text that repeats all that came before; false when it contradicts what was said. */
function sayRest(state: State, whole: string, emit: Emit): boolean {
  if (whole === "") return true;
  if (!whole.startsWith(state.said)) return state.response.delta !== undefined;
  say(state, whole.slice(state.said.length), emit);
  return true;
}

interface ReadCall {
  readonly id: string;
  readonly index: number | undefined;
  readonly name: string;
  readonly input: JsonValue | undefined;
}

function readCalls(event: JsonValue, places: CustomToolCalls): readonly ReadCall[] {
  const list = readAt(event, places.list);
  return (Array.isArray(list) ? list : []).map((item: JsonValue) => {
    const index = readAtPlace(item, places.index);
    return {
      id: wordOf(readAtPlace(item, places.id)) ?? "",
      index: typeof index === "number" ? index : undefined,
      name: readText(item, places.name),
      input: readAt(item, places.arguments),
    };
  });
}

function readTools(tools: ToolCallAssembler, calls: readonly ReadCall[], emit: Emit): void {
  for (const { id, index, name, input } of calls) {
    if (isJsonObject(input)) tools.whole({ id, name, input }, emit);
    else tools.push({ id, index, name, text: typeof input === "string" ? input : "" }, emit);
  }
}

function finish(state: State, emit: Emit): Fault | undefined {
  const { response, tools, reason, ended, broken, started, usage } = state;
  if (broken !== undefined) return faultOfBroken(broken);
  const endsWithBody = response.stream === "json" || response.stream === "text" || response.end.body;
  if (!started || !(ended || reason !== undefined || endsWithBody)) return cutOff;
  const finishReason = finishReasonOf(state);
  const fault = tools.completeAll(emit, finishReason === "length");
  if (fault !== undefined) return fault;
  if (!state.spoke && tools.count === 0 && reason === undefined) return saidNothing;
  emit({
    type: "response.finished",
    finishReason,
    usage: { inputTokens: 0, outputTokens: 0, ...usage, provenance: usage === undefined ? "estimated" : "reported" },
    metadata: { ...(tools.dropped > 0 && { droppedToolCalls: tools.dropped }) },
  });
  return undefined;
}

const saidNothing: Fault = {
  code: "provider_malformed_response",
  message: "answered with nothing at the places that its configuration names (endpoint.response)",
};

function faultOfBroken(text: string): Fault {
  if (/^\s*[{["]/.test(text)) return cutOff;
  return { code: "provider_malformed_response", message: "answered with something that is not JSON" };
}

function finishReasonOf({ response, reason, tools }: State): FinishReason {
  const known = reason === undefined ? "stop" : (response.finishReasons.get(reason.toLowerCase()) ?? "other");
  return known === "stop" && tools.count > 0 ? "tool_calls" : known;
}

/** Finds the failure that a body tells of, in the form in which faults are read; undefined when it tells of none. */
export function failureIn(body: JsonValue | undefined, places: CustomError): JsonObject | undefined {
  const found = readAt(body, places.at);
  if (found === undefined || found === null || found === false || found === "" || found === 0) return undefined;
  const message = wordOf(readAt(body, places.message)) ?? (typeof found === "string" ? found : "");
  const code = wordOf(readAtPlace(body, places.code)) ?? "";
  return { error: { message, code, type: wordOf(readAt(body, [...places.at, "type"])) ?? "" } };
}

function readUsage(event: JsonValue, places: CustomUsage, before: Counts | undefined): Counts | undefined {
  const count = (path: JsonPath | undefined): number | undefined => {
    return countOf(readAtPlace(event, path));
  };
  const [input, output, cached, reasoning] = [places.input, places.output, places.cached, places.reasoning].map(count);
  // Servers that do not count say zero, or say so until they have counted: that is no report.
  if (!input && !output) return undefined;
  return {
    inputTokens: !input ? (before?.inputTokens ?? 0) : input + (places.cachedBeside ? (cached ?? 0) : 0),
    outputTokens: output || (before?.outputTokens ?? 0),
    ...(cached !== undefined && { cachedInputTokens: cached }),
    ...(reasoning !== undefined && { reasoningTokens: reasoning }),
  };
}

function readAtPlace(value: JsonValue | undefined, path: JsonPath | undefined): JsonValue | undefined {
  return path === undefined ? undefined : readAt(value, path);
}

function readText(value: JsonValue | undefined, path: JsonPath | undefined): string {
  const found = readAtPlace(value, path);
  return typeof found === "string" ? found : "";
}

/** Reads a word that may be written as a number. */
function wordOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}
