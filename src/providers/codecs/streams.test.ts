import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import type { StreamDecoder } from "../transport/decoder.ts";
import type { Fault } from "../transport/fault.ts";
import type { StreamPart } from "../model.ts";
import { anthropicDecoder } from "./anthropic-stream.ts";
import { ollamaDecoder } from "./ollama-stream.ts";
import { openaiChatDecoder } from "./openai-chat-stream.ts";
import { openaiResponsesDecoder } from "./openai-responses-stream.ts";

function run(decoder: StreamDecoder, events: readonly (JsonObject | string)[]) {
  const parts: StreamPart[] = [];
  const emit = (part: StreamPart): void => void parts.push(part);
  let fault: Fault | undefined;
  for (const event of events) {
    const outcome = decoder.push({ event: "", data: typeof event === "string" ? event : JSON.stringify(event) }, emit);
    if (typeof outcome === "object") fault ??= outcome;
  }
  fault ??= decoder.finish(emit);
  const finished = parts.find((part) => part.type === "response.finished");
  const calls = parts.flatMap((part) =>
    part.type === "tool.completed" ? [{ id: part.id, name: part.name, input: part.input }] : [],
  );
  return { parts, fault, finished, calls, types: parts.map((part) => part.type) };
}

const delta = (value: JsonObject, finish: string | null = null): JsonObject => ({
  choices: [{ index: 0, delta: value, finish_reason: finish }],
});
const call = (value: JsonObject): JsonObject => delta({ tool_calls: [value] });

describe("a stream in OpenAI's format", () => {
  it("matches pieces of calls by id, then by index, then to the latest (acceptance 28)", () => {
    const { calls, finished } = run(openaiChatDecoder("call_1"), [
      call({ index: 0, id: "a", function: { name: "one", arguments: '{"x":' } }),
      call({ index: 1, id: "b", function: { name: "two", arguments: "" } }),
      call({ index: 0, function: { arguments: "1" } }),
      call({ id: "b", function: { arguments: "{}" } }),
      call({ index: 0, id: "random", function: { arguments: "}" } }),
      delta({}, "tool_calls"),
      "[DONE]",
    ]);
    expect(calls).toEqual([
      { id: "a", name: "one", input: { x: 1 } },
      { id: "b", name: "two", input: {} },
    ]);
    expect(finished).toMatchObject({ finishReason: "tool_calls", metadata: {} });
  });

  it("tells whole calls apart that all have the same index, and gives ids to calls without one (acceptance 28)", () => {
    const { calls } = run(openaiChatDecoder("call_1"), [
      call({ index: 0, id: "a", function: { name: "one", arguments: '{"n":1}' } }),
      call({ index: 0, id: "b", function: { name: "one", arguments: { n: 2 } } }),
      delta({}, "stop"),
      "[DONE]",
    ]);
    expect(calls.map(({ id, input }) => [id, input])).toEqual([
      ["a", { n: 1 }],
      ["b", { n: 2 }],
    ]);
    const nameless = run(openaiChatDecoder("call_1"), [call({ function: { name: "one" } }), delta({}, "stop")]);
    expect(nameless.calls).toEqual([{ id: "call_1_0", name: "one", input: {} }]);
    expect(nameless.finished).toMatchObject({ finishReason: "tool_calls" });
  });

  it("takes complete calls without a finish reason, and says so; text or half a call without one is broken off (acceptance 28)", () => {
    const events = [call({ index: 0, id: "a", function: { name: "one", arguments: "{}" } }), "[DONE]"];
    expect(run(openaiChatDecoder("c"), events).finished).toMatchObject({ metadata: { missingFinishReason: true } });
    const half = call({ index: 0, id: "a", function: { name: "one", arguments: '{"x":' } });
    for (const broken of [delta({ content: "half" }), half]) {
      expect(run(openaiChatDecoder("c"), [broken, "[DONE]"]).fault).toMatchObject({ code: "stream_interrupted" });
    }
  });

  it("hands a call whose input is no JSON back as text, but lets the bound of tokens cut one off (acceptance 28)", () => {
    const half = call({ index: 0, id: "a", function: { name: "one", arguments: '{"x":' } });
    const invalid = run(openaiChatDecoder("c"), [half, delta({}, "tool_calls")]);
    expect(invalid.calls).toEqual([{ id: "a", name: "one", input: '{"x":' }]);
    expect(invalid.finished).toMatchObject({ finishReason: "tool_calls", metadata: { invalidToolCalls: 1 } });
    const cut = run(openaiChatDecoder("c"), [half, delta({}, "length")]);
    expect(cut.calls).toEqual([]);
    expect(cut.finished).toMatchObject({ finishReason: "length", metadata: { droppedToolCalls: 1 } });
  });

  it("takes the last usage that says something, with cached and reasoning tokens as part of the counts", () => {
    const { finished } = run(openaiChatDecoder("c"), [
      { ...delta({ reasoning_content: "Hm. ", content: "Yes." }), usage: { prompt_tokens: 1, completion_tokens: 1 } },
      { ...delta({ content: "" }, "stop"), usage: null },
      {
        choices: [],
        usage: {
          prompt_tokens: 100,
          completion_tokens: 20,
          prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 5 },
          completion_tokens_details: { reasoning_tokens: 12 },
        },
      },
      { choices: [], usage: {} },
      "[DONE]",
    ]);
    expect(finished).toMatchObject({
      usage: {
        inputTokens: 100,
        outputTokens: 20,
        cachedInputTokens: 60,
        cacheWriteTokens: 5,
        reasoningTokens: 12,
        provenance: "reported",
      },
    });
  });

  it("shows a refusal as text, and keeps other choices out", () => {
    const { finished, parts } = run(openaiChatDecoder("c"), [
      { choices: [{ index: 1, delta: { content: "other" } }] },
      delta({ refusal: "No." }),
      delta({}, "content_filter"),
    ]);
    expect(parts).toContainEqual({ type: "text.delta", text: "No." });
    expect(parts).not.toContainEqual({ type: "text.delta", text: "other" });
    expect(finished).toMatchObject({ finishReason: "content_filter", metadata: { refusal: "No." } });
    expect(run(openaiChatDecoder("c"), [delta({}, "odd")]).finished).toMatchObject({ finishReason: "other" });
  });

  it("reads thoughts and text that come as lists of parts", () => {
    const thinking = [{ type: "thinking", thinking: [{ type: "text", text: "Hm." }] }];
    const { parts } = run(openaiChatDecoder("c"), [
      delta({ content: thinking }),
      delta({ content: [{ type: "text", text: "Yes." }] }),
      delta({}, "stop"),
    ]);
    expect(parts).toContainEqual({ type: "reasoning.delta", text: "Hm." });
    expect(parts).toContainEqual({ type: "text.delta", text: "Yes." });
  });

  it("takes no call twice that comes whole once more, and null for no input (acceptance 28)", () => {
    const whole = call({ index: 0, id: "a", function: { name: "one", arguments: '{"n":1}' } });
    const { calls, types } = run(openaiChatDecoder("c"), [
      whole,
      whole,
      call({ index: 1, id: "b", function: { name: "two", arguments: "null" } }),
      delta({}, "tool_calls"),
    ]);
    expect(calls).toEqual([
      { id: "a", name: "one", input: { n: 1 } },
      { id: "b", name: "two", input: {} },
    ]);
    expect(types.filter((type) => type === "tool.delta")).toHaveLength(2);
  });

  it("says why a model refused, in one piece", () => {
    const { finished } = run(openaiChatDecoder("c"), [
      delta({ refusal: "I cannot " }),
      delta({ refusal: "do that." }),
      delta({}, "stop"),
    ]);
    expect(finished).toMatchObject({ finishReason: "stop", metadata: { refusal: "I cannot do that." } });
  });

  it("turns an error in the middle into its fault", () => {
    const error = { error: { message: "You exceeded your current quota", code: "insufficient_quota" } };
    expect(run(openaiChatDecoder("c"), [delta({ content: "a" }), error]).fault).toMatchObject({
      code: "provider_quota",
    });
  });
});

describe("a stream in Anthropic's format", () => {
  const start = {
    type: "message_start",
    message: {
      id: "m",
      model: "x",
      usage: { input_tokens: 10, cache_read_input_tokens: 70, cache_creation_input_tokens: 20, output_tokens: 1 },
    },
  };
  const end = (reason: string): readonly JsonObject[] => [
    { type: "message_delta", delta: { stop_reason: reason }, usage: { output_tokens: 33, input_tokens: null } },
    { type: "message_stop" },
  ];

  it("counts cached tokens as part of the input", () => {
    expect(run(anthropicDecoder("c"), [start, ...end("end_turn")]).finished).toMatchObject({
      finishReason: "stop",
      usage: {
        inputTokens: 100,
        outputTokens: 33,
        cachedInputTokens: 70,
        cacheWriteTokens: 20,
        provenance: "reported",
      },
    });
  });

  it("keeps reasoning with its signature, also when it is encrypted", () => {
    const { parts } = run(anthropicDecoder("c"), [
      start,
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm." } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "sig" } },
      { type: "content_block_start", index: 1, content_block: { type: "redacted_thinking", data: "xyz" } },
      ...end("end_turn"),
    ]);
    expect(parts.filter((part) => part.type === "reasoning.delta")).toEqual([
      { type: "reasoning.delta", text: "Hm." },
      { type: "reasoning.delta", text: "", signature: "sig" },
      { type: "reasoning.delta", text: "", signature: "redacted:xyz" },
    ]);
  });

  it("takes a call whose input comes whole, and drops one that the bound of tokens cut off", () => {
    const whole = {
      type: "content_block_start",
      index: 0,
      content_block: { type: "tool_use", id: "t", name: "look", input: { a: 1 } },
    };
    expect(run(anthropicDecoder("c"), [start, whole, ...end("tool_use")]).calls).toEqual([
      { id: "t", name: "look", input: { a: 1 } },
    ]);
    const half = { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '{"a":' } };
    const open = {
      type: "content_block_start",
      index: 1,
      content_block: { type: "tool_use", id: "u", name: "look", input: {} },
    };
    expect(run(anthropicDecoder("c"), [start, open, half, ...end("max_tokens")]).finished).toMatchObject({
      finishReason: "length",
    });
    const invalid = run(anthropicDecoder("c"), [start, open, half, ...end("tool_use")]);
    expect(invalid.calls).toEqual([{ id: "u", name: "look", input: '{"a":' }]);
    expect(invalid.finished).toMatchObject({ metadata: { invalidToolCalls: 1 } });
  });

  it("says that a model refused, and why where it is told", () => {
    expect(run(anthropicDecoder("c"), [start, ...end("refusal")]).finished).toMatchObject({
      finishReason: "content_filter",
      metadata: { refusal: {} },
    });
    const details = { type: "refusal", category: "cyber", explanation: null };
    const told = run(anthropicDecoder("c"), [
      start,
      { type: "message_delta", delta: { stop_reason: "refusal", stop_details: details } },
      { type: "message_stop" },
    ]);
    expect(told.finished).toMatchObject({ metadata: { refusal: { category: "cyber" } } });
    expect(run(anthropicDecoder("c"), [start, ...end("end_turn")]).finished).toMatchObject({ metadata: {} });
  });

  it("leaves out the calls of tools that Anthropic runs itself, and starts even without a start", () => {
    const { fault, calls, types } = run(anthropicDecoder("c"), [
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "server_tool_use", id: "s", name: "web_search" },
      },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"q":' } },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "Found." } },
      ...end("end_turn"),
    ]);
    expect({ fault, calls }).toEqual({ fault: undefined, calls: [] });
    expect(types.slice(0, 2)).toEqual(["response.started", "text.delta"]);
  });

  it("turns an overload in the middle into its fault", () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" }, request_id: "req_1" };
    expect(run(anthropicDecoder("c"), [start, error]).fault).toMatchObject({
      code: "provider_error",
      requestId: "req_1",
    });
  });

  it("is not whole without its stop", () => {
    expect(run(anthropicDecoder("c"), [start, ...end("end_turn").slice(0, 1)]).fault).toMatchObject({
      code: "stream_interrupted",
    });
  });
});

describe("a stream in Ollama's format", () => {
  const line = (message: JsonObject, rest: JsonObject = {}): JsonObject => ({
    model: "m",
    message,
    done: false,
    ...rest,
  });

  it("has thoughts, text and whole calls", () => {
    const { types, calls, finished } = run(ollamaDecoder("call_3"), [
      line({ thinking: "Hm." }),
      line({ content: "Yes." }),
      line({
        tool_calls: [
          { function: { name: "look", arguments: '{"a":1}' } },
          { id: "x", function: { name: "look", arguments: {} } },
        ],
      }),
      line({}, { done: true, done_reason: "stop", prompt_eval_count: 3, eval_count: 4 }),
    ]);
    expect(types.slice(0, 3)).toEqual(["response.started", "reasoning.delta", "text.delta"]);
    expect(calls).toEqual([
      { id: "call_3_0", name: "look", input: { a: 1 } },
      { id: "x", name: "look", input: {} },
    ]);
    expect(finished).toMatchObject({
      finishReason: "tool_calls",
      usage: { inputTokens: 3, outputTokens: 4, provenance: "reported" },
    });
  });

  it("says when a count is missing that it is an estimate", () => {
    const { finished } = run(ollamaDecoder("c"), [
      line({ content: "a" }),
      line({}, { done: true, done_reason: "length", eval_count: 4 }),
    ]);
    expect(finished).toMatchObject({ finishReason: "length", usage: { provenance: "estimated" } });
  });

  it("turns an error line into its fault, and a call without a name into a malformed event", () => {
    expect(run(ollamaDecoder("c"), [{ error: "model runner has stopped" }]).fault).toMatchObject({
      code: "provider_error",
    });
    expect(ollamaDecoder("c").push({ event: "", data: JSON.stringify(line({ tool_calls: [{}] })) }, () => {})).toBe(
      "malformed",
    );
    expect(ollamaDecoder("c").push({ event: "", data: '{"hello":1}' }, () => {})).toBe("malformed");
  });
});

describe("a stream of words that are names of every object", () => {
  const words = ["constructor", "__proto__", "toString"];

  it.each(words)("ends for a reason that is none of ours: %s", (word) => {
    const ends = [
      run(openaiChatDecoder("call_1"), [delta({ content: "a" }, word)]),
      run(anthropicDecoder("call_1"), [
        { type: "message_delta", delta: { stop_reason: word } },
        { type: "message_stop" },
      ]),
      run(openaiResponsesDecoder("call_1"), [
        { type: "response.incomplete", response: { status: "incomplete", incomplete_details: { reason: word } } },
      ]),
    ];
    for (const { finished } of ends) expect(finished).toMatchObject({ finishReason: "other" });
  });
});

describe("a stream that lies", () => {
  it.each([1e308, -1, 1.5, "7", null])("about its tokens is not believed: %j", (count) => {
    const usage = { prompt_tokens: count, completion_tokens: count, prompt_tokens_details: { cached_tokens: count } };
    const { finished } = run(openaiChatDecoder("call_1"), [{ ...delta({ content: "a" }, "stop"), usage }]);
    expect(finished).toMatchObject({ usage: { inputTokens: 0, outputTokens: 0, provenance: "estimated" } });
  });

  it("with an input that is nested without end is read no further than it can be written", () => {
    const deep = `${'{"a":'.repeat(300_000)}1${"}".repeat(300_000)}`;
    const line = `{"message":{"tool_calls":[{"function":{"name":"x","arguments":${deep}}}]},"done":true}`;
    expect(ollamaDecoder("call_1").push({ event: "", data: line }, () => {})).toBe("malformed");
    const block = `{"type":"tool_use","id":"x","name":"a","input":${deep}}`;
    const event = `{"type":"content_block_start","index":0,"content_block":${block}}`;
    expect(anthropicDecoder("call_1").push({ event: "", data: event }, () => {})).toBe("malformed");
  });

  it("in Anthropic's format may say so without a type", () => {
    const { fault } = run(anthropicDecoder("call_1"), [{ error: { type: "overloaded_error", message: "Overloaded" } }]);
    expect(fault).toMatchObject({ code: "provider_error" });
  });
});
