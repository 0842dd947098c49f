import type {
  LanguageModelV2,
  LanguageModelV2StreamPart,
  LanguageModelV3,
  LanguageModelV3StreamPart,
  LanguageModelV4,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { generate } from "../generate.ts";
import type { ModelRequest } from "../model.ts";
import { fromAiSdk } from "./ai-sdk.ts";

function streamOf<Part>(parts: readonly Part[]): ReadableStream<Part> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

const never = (): never => {
  throw new Error("Only streams are asked for.");
};
const named = { provider: "acme.chat", modelId: "m-1", supportedUrls: {}, doGenerate: never };

function v2(parts: readonly LanguageModelV2StreamPart[], see: (options: unknown) => void = () => {}): LanguageModelV2 {
  return {
    ...named,
    specificationVersion: "v2",
    doStream: (options) => {
      see(options);
      return Promise.resolve({ stream: streamOf(parts) });
    },
  };
}

function v3(parts: readonly LanguageModelV3StreamPart[], see: (options: unknown) => void = () => {}): LanguageModelV3 {
  return {
    ...named,
    specificationVersion: "v3",
    doStream: (options) => {
      see(options);
      return Promise.resolve({ stream: streamOf(parts) });
    },
  };
}

function v4(parts: readonly LanguageModelV4StreamPart[], see: (options: unknown) => void = () => {}): LanguageModelV4 {
  return {
    ...named,
    specificationVersion: "v4",
    doStream: (options) => {
      see(options);
      return Promise.resolve({ stream: streamOf(parts) });
    },
  };
}

const said = [
  { type: "stream-start", warnings: [] },
  { type: "response-metadata", id: "r-1", modelId: "m-1-2026" },
  { type: "reasoning-start", id: "0" },
  { type: "reasoning-delta", id: "0", delta: "Hm." },
  { type: "reasoning-end", id: "0", providerMetadata: { acme: { signature: "s" } } },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Look: " },
  { type: "text-delta", id: "1", delta: "" },
  { type: "text-end", id: "1" },
  { type: "source", sourceType: "url", id: "s1", url: "https://example.com" },
  { type: "tool-input-start", id: "c1", toolName: "look" },
  { type: "tool-input-delta", id: "c1", delta: '{"at":' },
  { type: "tool-input-delta", id: "c1", delta: "1}" },
  { type: "tool-input-end", id: "c1" },
  { type: "tool-call", toolCallId: "c1", toolName: "look", input: '{"at":1}' },
  { type: "tool-call", toolCallId: "c2", toolName: "look", input: "" },
  { type: "tool-call", toolCallId: "c3", toolName: "search", input: "{}", providerExecuted: true },
] satisfies LanguageModelV2StreamPart[];

const flat = { inputTokens: 10, outputTokens: 6, totalTokens: 16, reasoningTokens: 2, cachedInputTokens: 4 };
const nested = {
  inputTokens: { total: 10, noCache: 6, cacheRead: 4, cacheWrite: undefined },
  outputTokens: { total: 6, text: 4, reasoning: 2 },
};
const reason = { unified: "tool-calls", raw: "tool_use" } as const;
const image = "aGk=";
const request: ModelRequest = {
  messages: [
    {
      role: "user",
      content: [
        { type: "file", mediaType: "image/png", data: image },
        { type: "file", mediaType: "image/png", url: "https://example.com/a.png" },
      ],
      cache: "long",
    },
    {
      role: "assistant",
      content: [
        { type: "reasoning", text: "Mine.", provider: "acme", signature: '{"acme":{"signature":"s"}}' },
        { type: "reasoning", text: "Another's.", provider: "other", signature: "x" },
      ],
    },
  ],
};

describe("a model of the AI SDK", () => {
  it.each([
    ["v2", v2([...said, { type: "finish", finishReason: "tool-calls", usage: flat }])],
    ["v3", v3([...said, { type: "finish", finishReason: reason, usage: nested }])],
    ["v4", v4([{ type: "ping" }, ...said, { type: "finish", finishReason: reason, usage: nested }])],
  ])("of interface %s is understood whole", async (_, model) => {
    const answer = await generate(fromAiSdk(model), request);
    expect(answer).toMatchObject({ finishReason: "tool_calls", model: "acme/m-1" });
    expect(answer.message.content).toEqual([
      { type: "reasoning", text: "Hm.", provider: "acme", signature: '{"acme":{"signature":"s"}}' },
      { type: "text", text: "Look: " },
      { type: "tool.call", id: "c1", name: "look", input: { at: 1 } },
      { type: "tool.call", id: "c2", name: "look", input: {} },
    ]);
    expect(answer.usage).toEqual({
      inputTokens: 10,
      outputTokens: 6,
      cachedInputTokens: 4,
      reasoningTokens: 2,
      provenance: "reported",
    });
    expect(answer.metadata).toMatchObject({ sources: [{ url: "https://example.com" }] });
  });

  it("gets files as its interface wants them, its own thoughts, and marks for the cache", async () => {
    const seen: unknown[] = [];
    const see = (options: unknown): void => void seen.push(options);
    const end = { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage: nested } as const;
    await generate(fromAiSdk(v2([{ type: "finish", finishReason: "stop", usage: flat }], see)), request);
    await generate(fromAiSdk(v3([end], see)), request);
    await generate(fromAiSdk(v4([end], see)), request);
    const url = new URL("https://example.com/a.png");
    const bare = [image, url];
    const wrapped = [
      { type: "data", data: image },
      { type: "url", url },
    ];
    for (const [index, files] of [bare, bare, wrapped].entries()) {
      expect(seen[index]).toMatchObject({
        prompt: [
          {
            role: "user",
            content: files.map((data) => ({ type: "file", mediaType: "image/png", data })),
            providerOptions: { anthropic: { cacheControl: { type: "ephemeral", ttl: "1h" } } },
          },
          {
            role: "assistant",
            content: [{ type: "reasoning", text: "Mine.", providerOptions: { acme: { signature: "s" } } }],
          },
        ],
      });
    }
  });

  const text = { type: "text-delta", id: "1", delta: "half" } as const;
  const other = { unified: "other", raw: undefined } as const;
  it.each([
    ["ends without an end", v4([text]), "stream_interrupted"],
    [
      "has an end that its SDK made up",
      v4([text, { type: "finish", finishReason: other, usage: nested }]),
      "stream_interrupted",
    ],
    [
      "has an unknown end in V2",
      v2([text, { type: "finish", finishReason: "unknown", usage: flat }]),
      "stream_interrupted",
    ],
    [
      "sends an error",
      v4([text, { type: "error", error: { type: "overloaded_error", message: "Busy" } }]),
      "provider_error",
    ],
    ["ends with an error", v2([text, { type: "finish", finishReason: "error", usage: flat }]), "provider_error"],
  ])("that %s has failed, and what it cost is kept", async (_, model, code) => {
    await expect(generate(fromAiSdk(model), request)).rejects.toMatchObject({
      code,
      details: { phase: "stream", partialUsage: { outputTokens: 1 } },
    });
  });

  it("takes whole calls without a finish reason for an answer, and says so", async () => {
    const model = v4([...said, { type: "finish", finishReason: other, usage: nested }]);
    expect(await generate(fromAiSdk(model), request)).toMatchObject({
      finishReason: "tool_calls",
      metadata: { finishReasonMissing: true },
    });
  });

  it("that says nothing of tokens has them estimated", async () => {
    const usage = { inputTokens: undefined, outputTokens: undefined, totalTokens: undefined };
    const { usage: counted } = await generate(
      fromAiSdk(v2([text, { type: "finish", finishReason: "stop", usage }])),
      request,
    );
    expect(counted).toMatchObject({ outputTokens: 1, provenance: "estimated" });
    expect(counted.inputTokens).toBeGreaterThan(10);
  });

  it.each([
    ["AI_LoadAPIKeyError", "provider_authentication"],
    ["AI_NoSuchModelError", "model_not_found"],
    ["AI_UnsupportedFunctionalityError", "provider_invalid_request"],
    ["AI_TypeValidationError", "provider_malformed_response"],
  ])("that throws %s gives %s", async (name, code) => {
    const error = Object.assign(new Error("prompt: my secret"), { name });
    const model: LanguageModelV4 = { ...v4([]), doStream: () => Promise.reject(error) };
    const thrown: unknown = await generate(fromAiSdk(model), request).catch((cause: unknown) => cause);
    expect(thrown).toMatchObject({ code, details: { provider: "acme", model: "m-1" } });
    expect(String(thrown)).not.toContain("secret");
  });
});
