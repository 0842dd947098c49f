import type { FinishReason } from "../model.ts";
import type { Section } from "./config-section.ts";
import type { JsonPath } from "./json-path.ts";

/** Says how the answers of an endpoint are read: every place is where in an event (or in the one JSON) something stands. */
export interface CustomResponse {
  readonly stream: "sse" | "ndjson" | "json" | "text";
  /** Is the next piece of text; `text` is all of it up to now. */
  readonly delta: JsonPath | undefined;
  readonly text: JsonPath | undefined;
  readonly reasoning: JsonPath | undefined;
  readonly model: JsonPath | undefined;
  readonly id: JsonPath | undefined;
  readonly finishReason: JsonPath | undefined;
  readonly finishReasons: ReadonlyMap<string, FinishReason>;
  readonly usage: CustomUsage | undefined;
  readonly error: CustomError;
  readonly toolCalls: CustomToolCalls | undefined;
  readonly end: CustomEnd;
}

/** Says where tokens are counted. `cachedBeside`: the input is counted without what came from a cache. */
export interface CustomUsage {
  readonly input: JsonPath | undefined;
  readonly output: JsonPath | undefined;
  readonly cached: JsonPath | undefined;
  readonly reasoning: JsonPath | undefined;
  readonly cachedBeside: boolean;
}

/** Says where a failure is told: `at` is there only when there is one; the message and the code are for its kind, and are not shown. */
export interface CustomError {
  readonly at: JsonPath;
  readonly message: JsonPath;
  readonly code: JsonPath | undefined;
}

/** Says where tool calls are: the list, and in each of its entries the rest. */
export interface CustomToolCalls {
  readonly list: JsonPath;
  readonly id: JsonPath | undefined;
  readonly index: JsonPath | undefined;
  readonly name: JsonPath;
  readonly arguments: JsonPath;
}

/** Says what ends an answer: an event that is this text, a place that is true, or merely the end of the body. */
export interface CustomEnd {
  readonly text: string | undefined;
  readonly path: JsonPath | undefined;
  readonly body: boolean;
}

const streams = ["sse", "ndjson", "json", "text"] as const;
const places = ["delta", "text", "reasoning", "model", "id", "finishReason"] as const;
const keys = ["stream", ...places, "finishReasons", "usage", "error", "toolCalls", "end"];
const reasons = ["stop", "length", "tool_calls", "content_filter", "budget", "other"] as const;

/** Are the words that servers use most. */
const commonReasons: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  eos: "stop",
  eos_token: "stop",
  complete: "stop",
  completed: "stop",
  length: "length",
  max_tokens: "length",
  tool_calls: "tool_calls",
  tool_use: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
  safety: "content_filter",
};

/** Reads the part of a description that tells of answers. Errors: provider_config_invalid. */
export function readCustomResponse(top: Section): CustomResponse {
  const section = top.need("response", top.section("response", keys));
  const stream = section.need("stream", section.choice("stream", streams));
  const [delta, text, reasoning, model, id, finishReason] = places.map((key) => section.path(key));
  const response: CustomResponse = {
    stream,
    delta,
    text,
    reasoning,
    model,
    id,
    finishReason,
    finishReasons: readReasons(section),
    usage: readUsage(section),
    error: readError(section),
    toolCalls: readToolCalls(section),
    end: readEnd(section),
  };
  if (stream === "text") {
    const idle = section.keys.find((key) => key !== "stream");
    if (idle !== undefined) throw section.wrong(idle, "plain text has no places; all of it is the answer");
    return response;
  }
  if (delta === undefined && text === undefined)
    throw section.wrong("delta", "delta or text must say where the text is");
  const { end } = response;
  const known = finishReason !== undefined || end.text !== undefined || end.path !== undefined || end.body;
  if (stream !== "json" && !known) {
    const message = "a stream needs finishReason, end.text or end.path, so that an answer that was cut off is noticed";
    throw section.wrong("end", `${message}; where the server has no such thing, set end.body to true`);
  }
  return response;
}

function readReasons(section: Section): ReadonlyMap<string, FinishReason> {
  const map = section.section("finishReasons", undefined);
  const own = (map?.keys ?? []).flatMap((word) => {
    const reason = map?.choice(word, reasons);
    return reason === undefined ? [] : [[word.toLowerCase(), reason] as const];
  });
  return new Map([...Object.entries(commonReasons), ...own]);
}

function readUsage(section: Section): CustomUsage | undefined {
  const usage = section.section("usage", ["input", "output", "cached", "reasoning", "cachedBeside"]);
  if (usage === undefined) return undefined;
  return {
    input: usage.path("input"),
    output: usage.path("output"),
    cached: usage.path("cached"),
    reasoning: usage.path("reasoning"),
    cachedBeside: usage.flag("cachedBeside") ?? false,
  };
}

function readError(section: Section): CustomError {
  const error = section.section("error", ["at", "message", "code"]);
  const at = error?.path("at") ?? ["error"];
  return { at, message: error?.path("message") ?? [...at, "message"], code: error?.path("code") ?? [...at, "code"] };
}

function readToolCalls(section: Section): CustomToolCalls | undefined {
  const calls = section.section("toolCalls", ["list", "id", "index", "name", "arguments"]);
  if (calls === undefined) return undefined;
  return {
    list: calls.need("list", calls.path("list")),
    id: calls.path("id"),
    index: calls.path("index"),
    name: calls.need("name", calls.path("name")),
    arguments: calls.need("arguments", calls.path("arguments")),
  };
}

function readEnd(section: Section): CustomEnd {
  const end = section.section("end", ["text", "path", "body"]);
  return { text: end?.text("text"), path: end?.path("path"), body: end?.flag("body") ?? false };
}
