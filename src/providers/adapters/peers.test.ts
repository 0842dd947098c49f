import { LLMock } from "@copilotkit/aimock";
import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonValue } from "../../base/index.ts";
import { contractCall, contractText } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { wireServer } from "../../testing/wire-server.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { Provider } from "../model.ts";
import { anthropic } from "./anthropic.ts";
import { ollama } from "./ollama.ts";
import { openai } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";

/** What a client understood of an answer, for comparison. */
interface Understood {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly input: JsonValue }[];
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const say = "The sum of the parts, told in a few pieces — naïvely.";
const city = { city: "Łódź", unit: "celsius" };
const weather = {
  name: "weather",
  description: "Tells the weather.",
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
} as const;
const usage = { prompt_tokens: 41, completion_tokens: 17, input_tokens: 41, output_tokens: 17 };
const mock = new LLMock({ port: 0, chunkSize: 7 });

beforeAll(async () => {
  mock.on(
    { userMessage: "weather", hasToolResult: false },
    { toolCalls: [{ name: "weather", arguments: JSON.stringify(city) }], usage },
  );
  mock.on({ userMessage: "weather", hasToolResult: true }, { content: "It is 21 degrees." });
  mock.onMessage("slow", { content: say.repeat(20) }, { chunkSize: 4, latency: 50 });
  mock.onMessage("limited", { error: { message: "slow down", type: "rate_limit_error" }, status: 429, retryAfter: 3 });
  mock.onMessage("think", { content: say, reasoning: "Because it is so.", reasoningSignature: "c2ln" });
  mock.onMessage("hello", { content: say, usage });
  await mock.start();
});
afterAll(() => mock.stop());

async function openaiSdk(url: string, text: string): Promise<Understood> {
  const client = new OpenAI({ apiKey: "test", baseURL: `${url}/v1` });
  const stream = client.chat.completions.stream({
    model: "test-model",
    messages: [{ role: "user", content: text }],
    stream_options: { include_usage: true },
    tools: [
      {
        type: "function",
        function: { name: weather.name, description: weather.description, parameters: { ...weather.inputSchema } },
      },
    ],
  });
  const { choices, usage } = await stream.finalChatCompletion();
  const message = choices[0]?.message;
  const calls = (message?.tool_calls ?? []).flatMap((call) =>
    call.type === "function"
      ? [{ name: call.function.name, input: JSON.parse(call.function.arguments) as JsonValue }]
      : [],
  );
  return {
    text: message?.content ?? "",
    calls,
    inputTokens: usage?.prompt_tokens ?? -1,
    outputTokens: usage?.completion_tokens ?? -1,
  };
}

async function responsesSdk(url: string, text: string): Promise<Understood> {
  const client = new OpenAI({ apiKey: "test", baseURL: `${url}/v1` });
  const { name, description, inputSchema } = weather;
  const stream = client.responses.stream({
    model: "test-model",
    input: text,
    tools: [{ type: "function", name, description, parameters: { ...inputSchema }, strict: false }],
  });
  const response = await stream.finalResponse();
  return {
    text: response.output_text,
    calls: response.output.flatMap((item) =>
      item.type === "function_call" ? [{ name: item.name, input: JSON.parse(item.arguments) as JsonValue }] : [],
    ),
    inputTokens: response.usage?.input_tokens ?? -1,
    outputTokens: response.usage?.output_tokens ?? -1,
  };
}

async function anthropicSdk(url: string, text: string): Promise<Understood> {
  const client = new Anthropic({ apiKey: "test", baseURL: url });
  const message = await client.messages
    .stream({
      model: "test-model",
      max_tokens: 1_000,
      messages: [{ role: "user", content: text }],
      tools: [{ name: weather.name, description: weather.description, input_schema: { type: "object" } }],
    })
    .finalMessage();
  return {
    text: message.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    calls: message.content.flatMap((block) =>
      block.type === "tool_use" ? [{ name: block.name, input: block.input as JsonValue }] : [],
    ),
    // The client gives the counts as they come: the cached tokens beside the others.
    inputTokens: message.usage.input_tokens + (message.usage.cache_read_input_tokens ?? 0),
    outputTokens: message.usage.output_tokens,
  };
}

async function ollamaSdk(url: string, content: string): Promise<Understood> {
  const client = new Ollama({ host: url });
  const stream = await client.chat({
    model: "test-model",
    messages: [{ role: "user", content }],
    stream: true,
    tools: [
      {
        type: "function",
        function: { name: weather.name, description: weather.description, parameters: { type: "object" } },
      },
    ],
  });
  let text = "";
  const calls: { name: string; input: JsonValue }[] = [];
  let inputTokens = -1;
  let outputTokens = -1;
  for await (const part of stream) {
    text += part.message.content;
    for (const call of part.message.tool_calls ?? [])
      calls.push({ name: call.function.name, input: call.function.arguments });
    if (part.done) [inputTokens, outputTokens] = [part.prompt_eval_count, part.eval_count];
  }
  return { text, calls, inputTokens, outputTokens };
}

const peers = [
  ["openai-chat", (url: string) => openai({ apiKey: "test", baseUrl: `${url}/v1` }), openaiSdk],
  ["openai-responses", (url: string) => openaiResponses({ apiKey: "test", baseUrl: `${url}/v1` }), responsesSdk],
  ["anthropic", (url: string) => anthropic({ apiKey: "test", baseUrl: url }), anthropicSdk],
  ["ollama", (url: string) => ollama({ baseUrl: url }), ollamaSdk],
] as const;

async function understand(provider: Provider, text: string): Promise<Understood & { readonly provenance: string }> {
  const answer = await generate(provider.model("test-model"), { messages: [userMessage(text)], tools: [weather] });
  return {
    text: answer.text,
    calls: answer.toolCalls.map(({ name, input }) => ({ name, input })),
    inputTokens: answer.usage.inputTokens,
    outputTokens: answer.usage.outputTokens,
    provenance: answer.usage.provenance,
  };
}

describe.each(peers)("%s against the wire server", (format, make, peer) => {
  it.each(["text", "tool"] as const)(
    "and the official client agree on the %s answer (acceptance 31)",
    async (scenario) => {
      await using server = await wireServer();
      server.answer(wireFormats[format].answer(scenario));
      await using provider = make(server.url);
      const ours = await understand(provider, "Why does bread rise?");
      const official = await peer(server.url, "Why does bread rise?");
      expect(ours).toEqual({ ...official, provenance: "reported" });
      expect(ours).toMatchObject(scenario === "text" ? { text: contractText } : { calls: [contractCall] });
      expect(ours).toMatchObject({ inputTokens: 30, outputTokens: 12 });
    },
  );
});

describe.each(peers)("%s against aimock", (format, make, peer) => {
  async function using<T>(run: (provider: Provider) => Promise<T>): Promise<T> {
    await using provider = make(mock.url);
    return await run(provider);
  }

  it.each(["hello", "weather"])("and the official client agree on the answer to %s (acceptance 31)", async (text) => {
    const { provenance, ...ours } = await using((provider) => understand(provider, text));
    const official = await peer(mock.url, text);
    if (format === "ollama") {
      // This mock says nothing but zeros here, which are no counts.
      expect(official).toMatchObject({ inputTokens: 0, outputTokens: 0 });
      expect(provenance).toBe("estimated");
      expect(ours.inputTokens * ours.outputTokens).toBeGreaterThan(0);
      expect({ ...ours, inputTokens: 0, outputTokens: 0 }).toEqual(official);
    } else {
      expect(ours).toEqual(official);
      expect(ours).toMatchObject({ inputTokens: 41, outputTokens: 17 });
      expect(provenance).toBe("reported");
    }
    expect(text === "hello" ? official.text : official.calls).toEqual(
      text === "hello" ? say : [{ name: "weather", input: city }],
    );
  });

  // This mock has no thoughts for Ollama.
  it.skipIf(format === "ollama")("keeps what the model thought aloud, and can go on with it", async () => {
    await using(async (provider) => {
      const model = provider.model(format === "anthropic" ? "claude-sonnet-5" : "gpt-5.4");
      const { message, text } = await generate(model, { messages: [userMessage("think")] });
      const [thought] = message.content;
      expect(thought).toMatchObject({ type: "reasoning", text: "Because it is so.", provider: provider.name });
      expect(thought !== undefined && "signature" in thought).toBe(format !== "openai-chat");
      expect(text).toBe(say);
      const messages = [userMessage("think"), message, userMessage("think")];
      expect((await generate(model, { messages })).text).toBe(say);
    });
  });

  it("takes a tool call round and back", async () => {
    await using(async (provider) => {
      const model = provider.model("test-model");
      const question = userMessage("weather please");
      const first = await generate(model, { messages: [question], tools: [weather] });
      const [call] = first.toolCalls;
      expect(first.finishReason).toBe("tool_calls");
      expect(call).toMatchObject({ name: "weather", input: city });
      const second = await generate(model, {
        tools: [weather],
        messages: [
          question,
          first.message,
          {
            role: "tool",
            content: [{ type: "tool.result", id: call?.id ?? "", name: "weather", output: { degrees: 21 } }],
          },
        ],
      });
      expect(second).toMatchObject({ text: "It is 21 degrees.", finishReason: "stop" });
    });
  });

  it("stops in the middle when it is cancelled, within a few milliseconds", async () => {
    await using(async (provider) => {
      const stop = new AbortController();
      let stoppedAt = 0;
      const reading = (async () => {
        for await (const part of provider
          .model("test-model")
          .stream({ messages: [userMessage("slow")] }, { signal: stop.signal })) {
          if (part.type !== "text.delta" || stoppedAt > 0) continue;
          stoppedAt = performance.now();
          stop.abort();
        }
      })();
      await expect(reading).rejects.toMatchObject({ code: "cancelled" });
      expect(performance.now() - stoppedAt).toBeLessThan(50);
    });
  });

  it("understands a refusal for now", async () => {
    await using(async (provider) => {
      const asked = generate(provider.model("test-model"), { messages: [userMessage("limited")] });
      await expect(asked).rejects.toMatchObject({
        code: "provider_rate_limited",
        details: { retryAfterMs: 3000, status: 429 },
      });
    });
  });
});
