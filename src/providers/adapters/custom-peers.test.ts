import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { Provider } from "../model.ts";
import { anthropic } from "./anthropic.ts";
import { customHttp } from "./custom-http.ts";
import { ollama } from "./ollama.ts";
import { openai } from "./openai-chat.ts";

const city = { city: "Łódź", unit: "celsius" };
const weather = {
  name: "weather",
  description: "Tells the weather.",
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const mock = new LLMock({ port: 0, chunkSize: 7 });

beforeAll(async () => {
  mock.onMessage("weather", { toolCalls: [{ name: "weather", arguments: JSON.stringify(city) }] });
  mock.onMessage("hello", { content: "The sum of the parts, told in a few pieces — naïvely." });
  await mock.start();
});
afterAll(() => mock.stop());

const openaiChat: JsonObject = {
  request: {
    path: "/v1/chat/completions",
    headers: { authorization: "Bearer ${key}" },
    body: {
      model: "${model}",
      messages: "${messages}",
      tools: "${tools}",
      stream: true,
      stream_options: { include_usage: true },
    },
  },
  response: {
    stream: "sse",
    delta: "choices[0].delta.content",
    finishReason: "choices[0].finish_reason",
    usage: { input: "usage.prompt_tokens", output: "usage.completion_tokens" },
    toolCalls: {
      list: "choices[0].delta.tool_calls",
      index: "index",
      id: "id",
      name: "function.name",
      arguments: "function.arguments",
    },
    end: { text: "[DONE]" },
  },
};

const ollamaChat: JsonObject = {
  request: { path: "/api/chat", body: { model: "${model}", messages: "${messages}", tools: "${tools}", stream: true } },
  response: {
    stream: "ndjson",
    delta: "message.content",
    finishReason: "done_reason",
    usage: { input: "prompt_eval_count", output: "eval_count" },
    toolCalls: { list: "message.tool_calls", name: "function.name", arguments: "function.arguments" },
    end: { path: "done" },
  },
};

const wholeOpenai: JsonObject = {
  request: {
    ...(openaiChat["request"] as JsonObject),
    body: { model: "${model}", messages: "${messages}", tools: "${tools}" },
  },
  response: {
    stream: "json",
    text: "choices[0].message.content",
    finishReason: "choices[0].finish_reason",
    usage: { input: "usage.prompt_tokens", output: "usage.completion_tokens" },
    toolCalls: {
      list: "choices[0].message.tool_calls",
      id: "id",
      name: "function.name",
      arguments: "function.arguments",
    },
  },
};

const wholeAnthropic: JsonObject = {
  request: {
    path: "/v1/messages",
    headers: { "x-api-key": "${key}", "anthropic-version": "2023-06-01" },
    body: { model: "${model}", messages: "${messages}", max_tokens: 1000 },
  },
  response: {
    stream: "json",
    text: "content[0].text",
    finishReason: "stop_reason",
    usage: { input: "usage.input_tokens", output: "usage.output_tokens" },
  },
};

interface Peer {
  readonly endpoint: JsonObject;
  readonly make: () => Provider;
  readonly questions: readonly string[];
}

const both = ["hello", "weather"];
const peers: Readonly<Record<string, Peer>> = {
  "OpenAI Chat": {
    endpoint: openaiChat,
    make: () => openai({ apiKey: "test", baseUrl: `${mock.url}/v1` }),
    questions: both,
  },
  "OpenAI Chat in one piece": {
    endpoint: wholeOpenai,
    make: () => openai({ apiKey: "test", baseUrl: `${mock.url}/v1` }),
    questions: both,
  },
  Ollama: { endpoint: ollamaChat, make: () => ollama({ baseUrl: mock.url }), questions: both },
  "Anthropic in one piece": {
    endpoint: wholeAnthropic,
    make: () => anthropic({ apiKey: "test", baseUrl: mock.url }),
    questions: ["hello"],
  },
};

describe.each(Object.entries(peers))("a description of %s", (_, { endpoint, make, questions }) => {
  it.each(questions)("understands the answer to %s as the adapter of that format does", async (question) => {
    await using described = customHttp({ name: "mine", baseUrl: mock.url, apiKey: "test", endpoint });
    await using native = make();
    const request = { messages: [userMessage(question)], tools: [weather] };
    const [own, other] = await Promise.all(
      [described, native].map(async (provider) => {
        const { text, toolCalls, finishReason, usage } = await generate(provider.model("test-model"), request);
        const calls = toolCalls.map(({ name, input }) => ({ name, input }));
        return { told: { text, calls, finishReason }, usage };
      }),
    );
    expect(own?.told).toEqual(other?.told);
    expect(own?.told.text !== "" || own.told.calls.length > 0).toBe(true);
    // The mock counts nothing for Ollama and for answers in one piece; then each estimates from what it sent.
    if (own?.usage.provenance === "reported") expect(own.usage).toEqual(other?.usage);
    else expect(own?.usage.inputTokens).toBeGreaterThan(0);
  });
});
