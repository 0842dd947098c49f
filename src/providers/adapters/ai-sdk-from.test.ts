import { LLMock } from "@copilotkit/aimock";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registerContract } from "../../testing/contract.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { modelContract, type ModelSubject } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { wireServer } from "../../testing/wire-server.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { Model, Provider } from "../model.ts";
import { fromAiSdk } from "./ai-sdk.ts";
import { anthropic } from "./anthropic.ts";
import { openai, openaiCompatible } from "./openai-chat.ts";

const apiKey = "sk-live-0123456789abcdef";
const question = { messages: [userMessage("Why does bread rise?")] };

const providers = [
  ["openai", "openai-chat", (url: string) => createOpenAI({ apiKey, baseURL: `${url}/v1` }).chat("test-model")],
  ["anthropic", "anthropic", (url: string) => createAnthropic({ apiKey, baseURL: `${url}/v1` })("test-model")],
  [
    "compatible",
    "openai-chat",
    (url: string) => createOpenAICompatible({ name: "compatible", apiKey, baseURL: `${url}/v1` })("test-model"),
  ],
] as const;

describe.each(providers)("the %s provider of the AI SDK", (name, format, make) => {
  const subject = async (): Promise<ModelSubject & AsyncDisposable> => {
    const server = await wireServer();
    const model = fromAiSdk(make(server.url));
    return {
      async model(scenario) {
        server.answer(wireFormats[format].answer(scenario));
        return model;
      },
      idle: () => server.idle(),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  };
  registerContract(it, { cases: modelContract, make: subject });

  it("has the name of its provider, and its errors show no key and no body", async () => {
    await using server = await wireServer();
    const model = fromAiSdk(make(server.url));
    expect(model).toMatchObject({ provider: name, name: "test-model" });
    for (const [status, code] of [
      [401, "provider_authentication"],
      [403, "provider_permission"],
      [404, "provider_invalid_request"],
      [429, "provider_rate_limited"],
      [500, "provider_error"],
      [529, "provider_error"],
    ] as const) {
      server.answer({ status, headers: { "retry-after": "2" }, chunks: [`<html>hidden ${apiKey}</html>`] });
      const error: unknown = await generate(model, question).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, details: { status, retryAfterMs: 2000, provider: name } });
      expect(JSON.stringify(error) + String(error)).not.toMatch(/hidden|sk-live/);
    }
  });

  it("is a timeout when it goes silent in the middle, and upstream is closed", async () => {
    const clock = manualClock();
    await using server = await wireServer();
    server.answer(wireFormats[format].answer("stalled"));
    const model = fromAiSdk(make(server.url), { clock, timeouts: { idleMs: 1_000 } });
    const stream = model.stream(question)[Symbol.asyncIterator]();
    await stream.next();
    await stream.next();
    const waiting = (async () => {
      while ((await stream.next()).done !== true);
    })();
    const late = expect(waiting).rejects.toMatchObject({ code: "provider_timeout", details: { causeCode: "idleMs" } });
    for (let tick = 0; tick < 20; tick++) await clock.advance(100);
    await late;
    await server.idle();
  });
});

it("tells of a server that is not there", async () => {
  const model = fromAiSdk(createOpenAI({ apiKey, baseURL: "http://127.0.0.1:9/v1" }).chat("test-model"));
  await expect(generate(model, question)).rejects.toMatchObject({ code: "provider_unreachable" });
});

describe("against the same mock", () => {
  const mock = new LLMock({ port: 0, chunkSize: 7 });
  const weather = {
    name: "weather",
    description: "Tells the weather.",
    inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  };
  beforeAll(async () => {
    mock.on({ userMessage: "weather" }, { toolCalls: [{ name: "weather", arguments: '{"city":"Łódź"}' }] });
    mock.onMessage("hello", { content: "The sum of the parts, told in a few pieces — naïvely." });
    await mock.start();
  });
  afterAll(() => mock.stop());

  const pairs: readonly (readonly [string, () => Model, () => Provider])[] = [
    [
      "openai",
      () => fromAiSdk(createOpenAI({ apiKey, baseURL: `${mock.url}/v1` }).chat("test-model")),
      () => openai({ apiKey, baseUrl: `${mock.url}/v1` }),
    ],
    [
      "anthropic",
      () => fromAiSdk(createAnthropic({ apiKey, baseURL: `${mock.url}/v1` })("test-model")),
      () => anthropic({ apiKey, baseUrl: mock.url }),
    ],
    [
      "openai-compatible",
      () =>
        fromAiSdk(
          createOpenAICompatible({ name: "x", apiKey, baseURL: `${mock.url}/v1`, includeUsage: true })("test-model"),
        ),
      () => openaiCompatible({ name: "x", apiKey, baseUrl: `${mock.url}/v1` }),
    ],
  ];

  it.each(pairs)(
    "%s of the AI SDK and our codec agree on text, tool calls and usage (acceptance 31)",
    async (_, theirs, ours) => {
      await using provider = ours();
      for (const text of ["hello", "weather"]) {
        const request = { messages: [userMessage(text)], tools: [weather] };
        const [one, other] = await Promise.all([
          generate(theirs(), request),
          generate(provider.model("test-model"), request),
        ]);
        const read = ({ text: said, toolCalls, finishReason, usage }: typeof one) => ({
          said,
          calls: toolCalls.map(({ name, input }) => ({ name, input })),
          finishReason,
          outputTokens: usage.outputTokens,
        });
        expect(read(one)).toEqual(read(other));
        expect(text === "hello" ? one.text : one.toolCalls[0]?.input).toEqual(
          text === "hello" ? "The sum of the parts, told in a few pieces — naïvely." : { city: "Łódź" },
        );
      }
    },
  );
});

const twins = [
  ["openai", (url: string) => openai({ apiKey, baseUrl: `${url}/v1` })],
  ["anthropic", (url: string) => anthropic({ apiKey, baseUrl: url })],
  ["compatible", (url: string) => openaiCompatible({ name: "compatible", apiKey, baseUrl: `${url}/v1` })],
] as const;

it.each(twins)("%s: the same bytes are the same answer and usage to both (acceptance 31)", async (name, ours) => {
  const theirs = providers.find(([provider]) => provider === name);
  await using server = await wireServer();
  await using provider = ours(server.url);
  for (const scenario of ["text", "tool"] as const) {
    server.answer(wireFormats[theirs?.[1] ?? "anthropic"].answer(scenario));
    const [one, other] = await Promise.all(
      [fromAiSdk(theirs?.[2](server.url) ?? createOpenAI()("none")), provider.model("test-model")].map((model) =>
        generate(model, question),
      ),
    );
    const { inputTokens, outputTokens, cachedInputTokens, provenance } = other?.usage ?? {};
    expect(one?.usage).toMatchObject({ inputTokens, outputTokens, cachedInputTokens, provenance });
    expect(one?.message).toEqual(other?.message);
    expect(one?.finishReason).toBe(other?.finishReason);
  }
});
