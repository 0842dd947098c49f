import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import type { StreamDecoder } from "../transport/decoder.ts";
import type { StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";
import { anthropicDecoder } from "./anthropic-stream.ts";
import { ollamaDecoder } from "./ollama-stream.ts";
import { openaiChatDecoder } from "./openai-chat-stream.ts";
import { openaiResponsesDecoder } from "./openai-responses-stream.ts";

function usageOf(decoder: StreamDecoder, events: readonly (JsonObject | string)[]): Usage | undefined {
  const parts: StreamPart[] = [];
  const emit = (part: StreamPart): void => void parts.push(part);
  for (const event of events) {
    decoder.push({ event: "", data: typeof event === "string" ? event : JSON.stringify(event) }, emit);
  }
  expect(decoder.finish(emit)).toBeUndefined();
  return parts.find((part) => part.type === "response.finished")?.usage;
}

const says = (content: string): JsonObject => ({ choices: [{ index: 0, delta: { content } }] });
const stops: JsonObject = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };

function chat(...events: readonly JsonObject[]): Usage | undefined {
  return usageOf(openaiChatDecoder("c"), [...events, "[DONE]"]);
}
function record(prompt: number, completion: number, rest: JsonObject = {}): JsonObject {
  return { choices: [], usage: { prompt_tokens: prompt, completion_tokens: completion, ...rest } };
}
const cached = (tokens: number): JsonObject => ({ prompt_tokens_details: { cached_tokens: tokens } });

function messages(...records: readonly (JsonObject | undefined)[]): Usage | undefined {
  const [first, ...later] = records;
  return usageOf(anthropicDecoder("c"), [
    { type: "message_start", message: { id: "m", model: "x", ...(first && { usage: first }) } },
    ...later.map((usage) => ({ type: "message_delta", delta: {}, ...(usage && { usage }) })),
    { type: "message_delta", delta: { stop_reason: "end_turn" } },
    { type: "message_stop" },
  ]);
}

describe("usage in OpenAI's formats", () => {
  it("is the last record that says something, whatever null, empty and zero records are around it (acceptance 12)", () => {
    const empty = fc.constantFrom<JsonObject>(
      { choices: [], usage: null },
      { choices: [], usage: {} },
      record(0, 0),
      { choices: [], usage: { prompt_tokens: null, completion_tokens: null } },
      { choices: [] },
    );
    const spoken = fc.tuple(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 1, max: 9_999 }));
    const any = fc.oneof(
      empty,
      spoken.map(([prompt, completion]) => record(prompt, completion)),
    );
    fc.assert(
      fc.property(fc.array(any), spoken, fc.array(empty), (before, [prompt, completion], after) => {
        const usage = chat(says("a"), ...before, stops, record(prompt, completion), ...after);
        expect(usage).toEqual({ inputTokens: prompt, outputTokens: completion, provenance: "reported" });
      }),
    );
  });

  it("may come early, repeatedly, only in the tail, or not at all, and says which (acceptance 12)", () => {
    expect(chat(record(9, 1), says("a"), says("b"), stops)).toMatchObject({ inputTokens: 9, provenance: "partial" });
    expect(chat({ ...says("a"), ...record(9, 1), choices: [] }, stops)).toMatchObject({ provenance: "reported" });
    const each = { ...says("b"), usage: { prompt_tokens: 9, completion_tokens: 2 } };
    expect(chat(says("a"), each, stops)).toMatchObject({ outputTokens: 2, provenance: "reported" });
    expect(chat(says("a"), stops, record(9, 5))).toMatchObject({ outputTokens: 5, provenance: "reported" });
    expect(chat(says("a"), stops)).toMatchObject({ provenance: "estimated" });
    expect(chat(says("a"), stops, record(0, 0))).toMatchObject({ provenance: "estimated" });
  });

  it("is found where servers hide it (acceptance 12)", () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2 };
    const hidden = { choices: [{ index: 0, delta: {}, finish_reason: "stop", usage }] };
    expect(chat(says("a"), hidden)).toMatchObject({ inputTokens: 3, outputTokens: 2 });
    expect(chat(says("a"), { ...stops, x_groq: { usage } })).toMatchObject({ inputTokens: 3, outputTokens: 2 });
  });

  it.each([
    ["as part of the input", record(100, 20, cached(70))],
    ["beside the input, and more than it", record(30, 20, cached(70))],
    ["beside the input, as the total says", record(80, 20, { ...cached(20), total_tokens: 120 })],
    ["as DeepSeek does", record(100, 20, { prompt_cache_hit_tokens: 70, prompt_cache_miss_tokens: 30 })],
  ])("counts cached tokens once when they come %s (acceptance 11)", (_, event) => {
    expect(chat(says("a"), stops, event)).toMatchObject({ inputTokens: 100, outputTokens: 20 });
  });

  it("counts cached tokens once when one record has them in the input and the next beside it (acceptance 11)", () => {
    const inside = record(100, 20, cached(20));
    const beside = record(80, 20, cached(20));
    expect(chat(says("a"), stops, inside, beside)).toMatchObject({ inputTokens: 100, cachedInputTokens: 20 });
    expect(chat(says("a"), stops, beside, inside)).toMatchObject({ inputTokens: 100, cachedInputTokens: 20 });
  });

  it("counts reasoning as part of the output, also where the server does not (acceptance 11)", () => {
    const details = { completion_tokens_details: { reasoning_tokens: 15 } };
    for (const event of [record(10, 20, details), record(10, 5, { ...details, total_tokens: 30 })]) {
      expect(chat(says("a"), stops, event)).toMatchObject({ inputTokens: 10, outputTokens: 20, reasoningTokens: 15 });
    }
  });

  it("of Responses counts cached and reasoning tokens in their sums (acceptance 11)", () => {
    const usage = {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 8 },
      output_tokens: 20,
      output_tokens_details: { reasoning_tokens: 12 },
      total_tokens: 120,
    };
    const response = { id: "r", model: "m", status: "completed", output: [], usage };
    expect(usageOf(openaiResponsesDecoder("c"), [{ type: "response.completed", response }])).toEqual({
      inputTokens: 100,
      outputTokens: 20,
      cachedInputTokens: 60,
      cacheWriteTokens: 8,
      reasoningTokens: 12,
      provenance: "reported",
    });
  });
});

describe("usage in Anthropic's format", () => {
  const start = { input_tokens: 30, cache_read_input_tokens: 60, cache_creation_input_tokens: 10, output_tokens: 1 };
  const sum = { inputTokens: 100, cachedInputTokens: 60, cacheWriteTokens: 10, outputTokens: 33 };

  it.each([
    ["says the output alone", [start, { output_tokens: 33 }]],
    ["grows", [start, { output_tokens: 5 }, { output_tokens: 20 }, { output_tokens: 33 }]],
    ["repeats the rest", [start, { ...start, output_tokens: 33 }]],
    ["nulls the rest", [start, { input_tokens: null, cache_read_input_tokens: null, output_tokens: 33 }]],
    ["zeroes the rest", [start, { input_tokens: 0, output_tokens: 33 }]],
    ["is followed by an empty one", [start, { output_tokens: 33 }, {}, { output_tokens: 0 }]],
    ["turns inclusive", [start, { input_tokens: 100, output_tokens: 33 }]],
    ["turns inclusive and repeats the cache", [start, { ...start, input_tokens: 100, output_tokens: 33 }]],
    ["turns exclusive", [{ input_tokens: 100 }, { ...start, output_tokens: 33 }]],
    [
      "turns exclusive of a told cache",
      [
        { ...start, input_tokens: 100 },
        { input_tokens: 30, output_tokens: 33 },
      ],
    ],
    ["is the only one", [undefined, { ...start, output_tokens: 33 }]],
    [
      "comes after zeros",
      [
        { input_tokens: 0, output_tokens: 0 },
        { ...start, output_tokens: 33 },
      ],
    ],
  ] as const)("counts cached tokens exactly once when a later record %s (acceptance 11)", (_, records) => {
    expect(messages(...records)).toMatchObject({ ...sum, provenance: "reported" });
  });

  it("tells what is written into the cache for long, and what is thought", () => {
    const creation = { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 6 };
    const details = { output_tokens_details: { thinking_tokens: 21 } };
    expect(messages({ ...start, cache_creation: creation }, { output_tokens: 33, ...details })).toMatchObject({
      ...sum,
      longCacheWriteTokens: 6,
      reasoningTokens: 21,
    });
  });

  it("that never came is estimated (acceptance 12)", () => {
    expect(messages(undefined)).toMatchObject({ provenance: "estimated" });
    expect(messages({ input_tokens: 0, output_tokens: 0 })).toMatchObject({ provenance: "estimated" });
  });
});

it("of Ollama that is zero says nothing, so that it is estimated (acceptance 12)", () => {
  const end = { message: { content: "a" }, done: true, done_reason: "stop" };
  const zero = { ...end, prompt_eval_count: 0, eval_count: 0 };
  expect(usageOf(ollamaDecoder("c"), [zero])).toMatchObject({ provenance: "estimated" });
});
