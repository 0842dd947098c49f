import { readFile } from "node:fs/promises";
import * as library from "@pydantic/genai-prices";
import { beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { manualClock } from "../../testing/index.ts";
import { hostedCapabilities, localCapabilities } from "../capabilities.ts";
import { anthropicDecoder } from "../codecs/anthropic-stream.ts";
import type { StreamDecoder } from "../transport/decoder.ts";
import { openaiChatDecoder } from "../codecs/openai-chat-stream.ts";
import { openaiResponsesDecoder } from "../codecs/openai-responses-stream.ts";
import type { StreamPart } from "../model.ts";
import { costOf } from "../money/cost.ts";
import type { Prices } from "../money/price.ts";
import { toMicros } from "../money/prices.ts";
import type { Usage } from "../usage.ts";
import corpus from "../money/corpus.json" with { type: "json" };
import { loadPrices } from "./genai-prices.ts";

interface Sample {
  readonly name: string;
  readonly wire: string;
  readonly provider: string;
  readonly model: string;
  readonly flavor: string;
  readonly records: readonly (JsonObject | null)[];
}

const samples = corpus as readonly Sample[];
const at = Date.parse("2026-11-01T12:00:00Z");
let prices: Prices;
beforeAll(async () => {
  prices = await loadPrices({ clock: manualClock(at) });
});

/** Gives the events that carry a sample's records, as its format does. */
function eventsOf({ wire, records }: Sample): JsonObject[] {
  const choice = (finish: string | null): JsonObject => ({ index: 0, delta: { content: "x" }, finish_reason: finish });
  if (wire === "openai-chat") return records.map((usage) => ({ choices: [choice("stop")], usage }));
  if (wire === "openai-responses") return responsesEvents(records);
  const [first, ...rest] = records;
  return [
    { type: "message_start", message: { id: "m", model: "m", usage: first ?? {} } },
    ...rest.map((usage) => ({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage })),
    { type: "message_stop" },
  ];
}

function responsesEvents(records: Sample["records"]): JsonObject[] {
  const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "x" }] }];
  return [
    { type: "response.created", response: { id: "r", model: "m" } },
    { type: "response.output_text.delta", delta: "x" },
    ...records.map((usage) => ({
      type: "response.completed",
      response: { id: "r", status: "completed", output, usage },
    })),
  ];
}

const decoders: Readonly<Record<string, (idPrefix: string) => StreamDecoder>> = {
  anthropic: anthropicDecoder,
  "openai-chat": openaiChatDecoder,
  "openai-responses": openaiResponsesDecoder,
};

/** Reads a sample as the codec of its format does, to the usage of its last part. */
function decode(sample: Sample): Usage {
  const decoder = decoders[sample.wire]?.("call");
  if (decoder === undefined) throw new Error(`There is no codec of ${sample.wire}.`);
  const parts: StreamPart[] = [];
  for (const event of eventsOf(sample)) {
    expect(decoder.push({ event: "", data: JSON.stringify(event) }, (part) => parts.push(part))).toBeUndefined();
  }
  expect(decoder.finish((part) => parts.push(part))).toBeUndefined();
  const last = parts.at(-1);
  if (last?.type !== "response.finished") throw new Error("There is no end.");
  return last.usage;
}

/** Prices the record that the provider's whole answer would hold, with nothing of Atlas in between. */
function secondOpinion({ provider: id, model, flavor, records }: Sample): number {
  const provider = library.findProvider({ providerId: id });
  if (provider === undefined) throw new Error(`The table does not know ${id}.`);
  const named = records.map((record) => Object.entries(record ?? {}).filter(([, value]) => value !== null));
  const usage: unknown = Object.fromEntries(named.flat());
  const extracted = library.extractUsage(provider, { model, usage }, flavor);
  const priced = library.calcPrice(extracted.usage, model, { provider, timestamp: new Date(at) });
  return toMicros(priced?.total_price ?? Number.NaN);
}

describe("the price of a call", () => {
  it.each(samples.map((sample) => [sample.name, sample] as const))(
    "is what genai-prices makes of the provider's own record: %s (acceptance 11)",
    (_, sample) => {
      const { provider, model } = sample;
      const cost = prices.costMicroUsd({ provider, model, usage: decode(sample) });
      expect(cost).toBeGreaterThan(0);
      expect(cost).toBe(secondOpinion(sample));
    },
  );

  it("prices each cached token once, whether it is counted in the input or beside it (acceptance 11)", () => {
    const usage = { inputTokens: 1_000, outputTokens: 0, cachedInputTokens: 600, cacheWriteTokens: 300 };
    const call = { provider: "anthropic", model: "claude-sonnet-5", usage };
    // 100 at $2, 600 at $0.20, 300 at $2.50, each for a million.
    expect(prices.costMicroUsd(call)).toBe(200 + 120 + 750);
    const long = { ...usage, longCacheWriteTokens: 300 };
    expect(prices.costMicroUsd({ ...call, usage: long })).toBe(200 + 120 + 1_200);
  });

  it("is sound where a server reports more cached tokens than there is input (acceptance 11)", () => {
    const usage = {
      inputTokens: 100,
      outputTokens: 0,
      cachedInputTokens: 150,
      cacheWriteTokens: 90,
      reasoningTokens: 9,
    };
    expect(prices.costMicroUsd({ provider: "anthropic", model: "claude-sonnet-5", usage })).toBe(20);
  });

  it.each([
    ["openai/o3", "2025-06-01T00:00:00Z", 10_000_000],
    ["openai/o3", "2025-06-11T00:00:00Z", 2_000_000],
    ["deepseek/deepseek-chat", "2026-11-01T12:00:00Z", 270_000],
    ["deepseek/deepseek-chat", "2026-11-01T20:00:00Z", 135_000],
  ])("is that of the time of the call: %s at %s", (name, time, expected) => {
    const [provider = "", model = ""] = name.split("/");
    const usage = { inputTokens: 1_000_000, outputTokens: 0 };
    expect(prices.costMicroUsd({ provider, model, usage, atMs: Date.parse(time) })).toBe(expected);
  });

  it.each([
    ["openai", "a-model-of-tomorrow"],
    ["dashscope", "qwen-plus"],
    ["my-openai", "gpt-5.4-mini"],
    ["ollama", "llama3"],
    ["openai", "whisper-1"],
    ["", "gpt-5.4-mini"],
  ])("is unknown, and not 0, for %s/%s (acceptance 13)", (provider, model) => {
    const usage = { inputTokens: 10, outputTokens: 10 };
    expect(prices.costMicroUsd({ provider, model, usage })).toBeNull();
    expect(costOf(prices, { provider, name: model, capabilities: hostedCapabilities }, { usage })).toBeNull();
  });

  it("is 0 for what is free: a local model, and one that is sold for nothing (acceptance 13)", () => {
    const usage = { inputTokens: 10, outputTokens: 10 };
    const local = { provider: "ollama", name: "llama3", capabilities: localCapabilities };
    expect(costOf(prices, local, { usage })).toBe(0);
    expect(prices.costMicroUsd({ provider: "openrouter", model: "qwen/qwen3-coder:free", usage })).toBe(0);
  });

  it("is the configuration's where it has one, also for a local model", async () => {
    const overrides = {
      "openai/gpt-5.4-mini": { inputPerMillion: 10, outputPerMillion: 20, cachedInputPerMillion: 1 },
      "ollama/llama3": { inputPerMillion: 1, outputPerMillion: 1 },
      "mine/free": { inputPerMillion: 0, outputPerMillion: 0 },
    };
    const own = await loadPrices({ overrides });
    const usage = { inputTokens: 100, outputTokens: 10, cachedInputTokens: 40, cacheWriteTokens: 10 };
    expect(own.costMicroUsd({ provider: "openai", model: "gpt-5.4-mini", usage })).toBe(50 * 10 + 40 + 10 * 10 + 200);
    expect(own.costMicroUsd({ provider: "ollama", model: "llama3", usage, free: true })).toBe(110);
    expect(own.costMicroUsd({ provider: "mine", model: "free", usage })).toBe(0);
    expect(own.costMicroUsd({ provider: "openai", model: "gpt-5.4", usage })).toBe(
      prices.costMicroUsd({ provider: "openai", model: "gpt-5.4", usage }),
    );
    const wrong = { "a/b": { inputPerMillion: -1, outputPerMillion: 0 } };
    await expect(loadPrices({ overrides: wrong })).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("is found under the name that the table has for a provider", () => {
    const usage = { inputTokens: 1_000, outputTokens: 1_000 };
    expect(prices.costMicroUsd({ provider: "together", model: "meta-llama/Llama-3.3-70B-Instruct-Turbo", usage })).toBe(
      1_760,
    );
    expect(prices.costMicroUsd({ provider: "gemini", model: "gemini-2.5-pro", usage })).toBe(11_250);
  });

  it("stays the same for more models than are kept in mind", () => {
    const usage = { inputTokens: 1_000, outputTokens: 0 };
    const ask = (): number | null => prices.costMicroUsd({ provider: "openai", model: "gpt-5.4-mini", usage });
    const before = ask();
    for (let index = 0; index < 600; index++) prices.costMicroUsd({ provider: "openai", model: `x-${index}`, usage });
    expect(ask()).toBe(before);
  });
});

describe("rounding", () => {
  it("goes half up, once, at the end of the call", () => {
    expect([0.000_000_5, 0.000_001_5, 0.000_002_5, 0.000_000_49].map(toMicros)).toEqual([1, 2, 3, 0]);
    expect(toMicros(1.005 / 1_000_000 + 0.000_000_495)).toBe(2);
    const usage = { inputTokens: 1, outputTokens: 1 };
    // $0.75 and $4.50 for a million: 5.25 millionths together.
    expect(prices.costMicroUsd({ provider: "openai", model: "gpt-5.4-mini", usage })).toBe(5);
  });
});

describe("the table", () => {
  it("says its version and date, and is the one that is installed", async () => {
    const manifest = new URL("../../../node_modules/@pydantic/genai-prices/package.json", import.meta.url);
    const { version } = JSON.parse(await readFile(manifest, "utf8")) as { version: string };
    expect(prices.version).toBe(`genai-prices ${version} (2026-09-23)`);
  });
});
