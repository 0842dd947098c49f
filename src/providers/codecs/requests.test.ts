import { describe, expect, it } from "vitest";
import type { FilePart, Message } from "../message.ts";
import { systemMessage, userMessage } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { anthropicRequest } from "./anthropic-request.ts";
import { ollamaRequest } from "./ollama-request.ts";
import { compatibleQuirks, openaiChatRequest, openaiQuirks } from "./openai-chat-request.ts";
import type { RequestTarget } from "./target.ts";

const conversation: readonly Message[] = [
  systemMessage("Be brief."),
  {
    role: "user",
    content: [
      { type: "text", text: "What is this?" },
      { type: "file", mediaType: "image/png", data: "AAAA" },
      { type: "file", mediaType: "application/pdf", url: "https://example.com/a.pdf", name: "a.pdf" },
    ],
  },
  {
    role: "assistant",
    content: [
      { type: "reasoning", text: "Hm.", provider: "anthropic", signature: "sig" },
      { type: "reasoning", text: "", provider: "anthropic", signature: "redacted:xyz" },
      { type: "reasoning", text: "Foreign.", provider: "other", signature: "sig2" },
      { type: "tool.call", id: "c1", name: "look", input: { deep: true } },
      { type: "tool.call", id: "c2", name: "look", input: {} },
    ],
  },
  {
    role: "tool",
    content: [
      { type: "tool.result", id: "c1", name: "look", output: "a cat" },
      { type: "tool.result", id: "c2", name: "look", output: { why: "dark" }, failed: true },
    ],
  },
  { role: "user", content: [{ type: "text", text: "And?" }] },
];
const files = ["image/png", "application/pdf"];
const target: RequestTarget = { provider: "openai", model: "m", files };
const closed = {
  type: "object",
  properties: { kind: { type: "string" } },
  required: ["kind"],
  additionalProperties: false,
} as const;
const open = { type: "object", properties: { kind: { type: "string" } } } as const;
const request: ModelRequest = {
  messages: conversation,
  tools: [{ name: "look", description: "Looks.", inputSchema: open }],
  toolChoice: "required",
  responseFormat: { name: "answer", schema: closed },
  maxOutputTokens: 100,
  temperature: 0.5,
  stopSequences: ["END"],
  seed: 7,
};

/** Is the request with its document in the form that each format can carry. */
const openaiCan = withDocument({ type: "file", mediaType: "application/pdf", data: "JVBE", name: "a.pdf" });
const imagesOnly = withDocument(undefined);
const claude: RequestTarget = { ...target, provider: "anthropic" };
const bounds = { defaultMaxTokens: 9, structuredOutput: true };

function withDocument(document: FilePart | undefined): ModelRequest {
  const messages = conversation.map((message): Message => {
    if (message.role !== "user") return message;
    const content = message.content.flatMap((part) =>
      part.type === "file" && part.mediaType === "application/pdf" ? (document ?? []) : part,
    );
    return { ...message, content };
  });
  return { ...request, messages };
}

describe("a request in OpenAI's format", () => {
  it("holds the whole conversation, the tools and the settings", () => {
    expect(openaiChatRequest(openaiCan, target, openaiQuirks)).toEqual({
      model: "m",
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
            { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBE" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "c1", type: "function", function: { name: "look", arguments: '{"deep":true}' } },
            { id: "c2", type: "function", function: { name: "look", arguments: "{}" } },
          ],
        },
        { role: "tool", tool_call_id: "c1", content: "a cat" },
        { role: "tool", tool_call_id: "c2", content: '{"error":{"why":"dark"}}' },
        { role: "user", content: "And?" },
      ],
      tools: [{ type: "function", function: { name: "look", description: "Looks.", parameters: open } }],
      tool_choice: "required",
      response_format: { type: "json_schema", json_schema: { name: "answer", schema: closed, strict: true } },
      max_completion_tokens: 100,
      temperature: 0.5,
      stop: ["END"],
      seed: 7,
    });
  });

  it("asks for a strict schema only where OpenAI takes it as one", () => {
    const lax = openaiChatRequest(
      { ...openaiCan, responseFormat: { name: "a", schema: { type: "array", items: [open] } } },
      target,
      openaiQuirks,
    );
    expect(lax["response_format"]).toEqual({
      type: "json_schema",
      json_schema: { name: "a", schema: { type: "array", items: [open] } },
    });
  });

  it.each([
    ["team.reviewer", "team_reviewer"],
    ["größe der Antwort", "gr__e_der_Antwort"],
    ["x".repeat(80), "x".repeat(64)],
    ["", "answer"],
  ])("writes the name %j of a format as OpenAI takes it", (name, written) => {
    const body = openaiChatRequest({ ...openaiCan, responseFormat: { name, schema: closed } }, target, openaiQuirks);
    expect(body).toMatchObject({ response_format: { json_schema: { name: written } } });
  });

  it("leaves out or renames what a compatible endpoint does not know", () => {
    const quirks = { ...compatibleQuirks, usageOption: false, seedField: "random_seed" } as const;
    const body = openaiChatRequest({ ...openaiCan, toolChoice: { name: "look" } }, target, {
      ...quirks,
      structuredOutput: "object",
    });
    expect(body).toMatchObject({
      max_tokens: 100,
      random_seed: 7,
      response_format: { type: "json_object" },
      tool_choice: { type: "function", function: { name: "look" } },
    });
    expect(body).not.toHaveProperty("stream_options");
    expect(openaiChatRequest(openaiCan, target, { ...quirks, structuredOutput: "none" })).not.toHaveProperty(
      "response_format",
    );
    expect(Object.keys(openaiChatRequest({ messages: [systemMessage("s")] }, target, quirks))).toEqual([
      "model",
      "messages",
      "stream",
    ]);
  });
});

describe("a request in Anthropic's format", () => {
  it("joins neighbours of one role, keeps its own reasoning and drops that of others", () => {
    expect(anthropicRequest(request, claude, bounds)).toEqual({
      model: "m",
      max_tokens: 100,
      stream: true,
      system: "Be brief.",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
            { type: "document", source: { type: "url", url: "https://example.com/a.pdf" }, title: "a.pdf" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "Hm.", signature: "sig" },
            { type: "redacted_thinking", data: "xyz" },
            { type: "tool_use", id: "c1", name: "look", input: { deep: true } },
            { type: "tool_use", id: "c2", name: "look", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "c1", content: "a cat" },
            { type: "tool_result", tool_use_id: "c2", content: '{"why":"dark"}', is_error: true },
            { type: "text", text: "And?" },
          ],
        },
      ],
      tools: [{ name: "look", description: "Looks.", input_schema: open }],
      tool_choice: { type: "any" },
      output_config: { format: { type: "json_schema", schema: closed } },
      temperature: 0.5,
      stop_sequences: ["END"],
    });
  });

  it("always has a bound of tokens, and no empty messages", () => {
    const blank: Message = { role: "assistant", content: [{ type: "text", text: " " }] };
    const messages = [blank, userMessage("x"), blank];
    expect(anthropicRequest({ messages }, claude, bounds)).toEqual({
      model: "m",
      max_tokens: 9,
      stream: true,
      messages: [{ role: "user", content: [{ type: "text", text: "x" }] }],
    });
    const choice = anthropicRequest({ ...request, toolChoice: { name: "look" } }, claude, bounds);
    expect(choice["tool_choice"]).toEqual({ type: "tool", name: "look" });
  });
});

describe("a request in Ollama's format", () => {
  it("always says how much context it needs", () => {
    expect(ollamaRequest(imagesOnly, target, { contextTokens: 4096 })).toEqual({
      model: "m",
      stream: true,
      truncate: false,
      shift: false,
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "What is this?", images: ["AAAA"] },
        {
          role: "assistant",
          content: "",
          tool_calls: [
            { function: { name: "look", arguments: { deep: true } } },
            { function: { name: "look", arguments: {} } },
          ],
        },
        { role: "tool", tool_name: "look", content: "a cat" },
        { role: "tool", tool_name: "look", content: '{"error":{"why":"dark"}}' },
        { role: "user", content: "And?" },
      ],
      tools: [{ type: "function", function: { name: "look", description: "Looks.", parameters: open } }],
      format: closed,
      options: { num_ctx: 4096, num_predict: 100, temperature: 0.5, stop: ["END"], seed: 7 },
    });
    expect(ollamaRequest({ messages: [] }, target, { contextTokens: 4096 })["options"]).toEqual({ num_ctx: 4096 });
  });

  it("leaves the tools out when none may be called", () => {
    expect(ollamaRequest({ ...imagesOnly, toolChoice: "none" }, target, { contextTokens: 4096 })).not.toHaveProperty(
      "tools",
    );
  });
});
