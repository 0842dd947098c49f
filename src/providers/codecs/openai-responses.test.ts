import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import type { Fault } from "../transport/fault.ts";
import { collect } from "../generate.ts";
import type { Message } from "../message.ts";
import { systemMessage, userMessage } from "../message.ts";
import type { ModelRequest, StreamPart } from "../model.ts";
import { openaiResponsesRequest } from "./openai-responses-request.ts";
import { openaiResponsesDecoder } from "./openai-responses-stream.ts";
import type { RequestTarget } from "./target.ts";

const target: RequestTarget = { provider: "openai-responses", model: "m", files: ["image/*", "application/pdf"] };
const closed = {
  type: "object",
  properties: { kind: { type: "string" } },
  required: ["kind"],
  additionalProperties: false,
} as const;
const open = { type: "object", properties: { kind: { type: "string" } } } as const;

describe("a request in the format of Responses", () => {
  const messages: readonly Message[] = [
    systemMessage("Be brief."),
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "file", mediaType: "image/png", data: "AAAA" },
        { type: "file", mediaType: "application/pdf", data: "JVBE", name: "a.pdf" },
        { type: "file", mediaType: "application/pdf", url: "https://example.com/b.pdf" },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "reasoning", text: "Hm.", provider: "openai-responses", signature: "rs_1:secret" },
        { type: "reasoning", text: "Foreign.", provider: "anthropic", signature: "sig" },
        { type: "text", text: "Let me look." },
        { type: "tool.call", id: "c1", name: "look", input: { deep: true } },
      ],
    },
    {
      role: "tool",
      content: [{ type: "tool.result", id: "c1", name: "look", output: { why: "dark" }, failed: true }],
    },
  ];

  it("holds the whole conversation, with the model's own thoughts and nothing stored (acceptance 22)", () => {
    const request: ModelRequest = {
      messages,
      tools: [
        { name: "look", description: "Looks.", inputSchema: open },
        { name: "see", description: "Sees.", inputSchema: closed },
      ],
      toolChoice: { name: "look" },
      responseFormat: { name: "the answer", schema: closed },
      maxOutputTokens: 100,
      temperature: 0.5,
    };
    expect(openaiResponsesRequest(request, target, { reasoning: true })).toEqual({
      model: "m",
      stream: true,
      store: false,
      include: ["reasoning.encrypted_content"],
      input: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "input_text", text: "What is this?" },
            { type: "input_image", detail: "auto", image_url: "data:image/png;base64,AAAA" },
            { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,JVBE" },
            { type: "input_file", file_url: "https://example.com/b.pdf" },
          ],
        },
        {
          type: "reasoning",
          id: "rs_1",
          summary: [{ type: "summary_text", text: "Hm." }],
          encrypted_content: "secret",
        },
        { role: "assistant", content: "Let me look." },
        { type: "function_call", call_id: "c1", name: "look", arguments: '{"deep":true}' },
        { type: "function_call_output", call_id: "c1", output: '{"error":{"why":"dark"}}' },
      ],
      tools: [
        { type: "function", name: "look", description: "Looks.", parameters: open, strict: false },
        { type: "function", name: "see", description: "Sees.", parameters: closed, strict: true },
      ],
      tool_choice: { type: "function", name: "look" },
      text: { format: { type: "json_schema", name: "the_answer", schema: closed, strict: true } },
      max_output_tokens: 100,
      temperature: 0.5,
    });
    expect(openaiResponsesRequest({ messages: [systemMessage("s")] }, target, { reasoning: false })).toEqual({
      model: "m",
      input: [{ role: "system", content: "s" }],
      stream: true,
      store: false,
    });
  });

  it("refuses stop sequences, which the format does not have, before anything is sent", () => {
    const request = { messages: [userMessage("x")], stopSequences: ["END"] };
    expect(() => openaiResponsesRequest(request, target, { reasoning: false })).toThrow(
      expect.objectContaining({
        code: "provider_invalid_request",
        message: "openai-responses/m knows no stop sequences in this format.",
      }),
    );
  });
});

function run(events: readonly (JsonObject | string)[]) {
  const decoder = openaiResponsesDecoder("call_2");
  const parts: StreamPart[] = [];
  const emit = (part: StreamPart): void => void parts.push(part);
  const collector = collect({ provider: "openai-responses", name: "m" });
  let fault: Fault | undefined;
  for (const event of events) {
    const outcome = decoder.push({ event: "", data: typeof event === "string" ? event : JSON.stringify(event) }, emit);
    if (typeof outcome === "object") fault ??= outcome;
  }
  fault ??= decoder.finish(emit);
  for (const part of parts) collector.push(part);
  return { parts, fault, answer: collector.result, usage: decoder.usage };
}

const end = (response: JsonObject = {}): JsonObject => ({
  type: response["status"] === "incomplete" ? "response.incomplete" : "response.completed",
  response: { id: "r", model: "m", status: "completed", output: [], ...response },
});

describe("a stream in the format of Responses", () => {
  it("keeps a thought with its signature, in the order it stood in, and sends it back as it was (acceptance 22)", () => {
    const thought = { id: "rs_9", type: "reasoning", summary: [], encrypted_content: "enc==" };
    const { answer } = run([
      { type: "response.created", response: { id: "r", model: "m" } },
      { type: "response.output_item.added", output_index: 0, item: { ...thought, encrypted_content: "" } },
      { type: "response.reasoning_summary_part.added", output_index: 0, summary_index: 0 },
      { type: "response.reasoning_summary_text.delta", output_index: 0, summary_index: 0, delta: "First" },
      { type: "response.reasoning_summary_part.added", output_index: 0, summary_index: 1 },
      { type: "response.reasoning_summary_text.delta", output_index: 0, summary_index: 1, delta: "second" },
      { type: "response.output_item.done", output_index: 0, item: thought },
      { type: "response.output_text.delta", output_index: 1, delta: "Yes." },
      end(),
    ]);
    const reasoning = {
      type: "reasoning",
      text: "First\n\nsecond",
      provider: "openai-responses",
      signature: "rs_9:enc==",
    };
    expect(answer?.message.content).toEqual([reasoning, { type: "text", text: "Yes." }]);
    const again = openaiResponsesRequest({ messages: answer ? [answer.message] : [] }, target, { reasoning: true });
    expect(again["input"]).toMatchObject([{ type: "reasoning", id: "rs_9", encrypted_content: "enc==" }, {}]);
  });

  it("puts parallel calls together by their output, whole or in pieces, once (acceptance 28)", () => {
    const call = (id: string, text: string): JsonObject => ({
      id: `fc_${id}`,
      type: "function_call",
      call_id: id,
      name: "look",
      arguments: text,
    });
    const { answer, parts } = run([
      { type: "response.output_item.added", output_index: 0, item: call("a", "") },
      { type: "response.output_item.added", output_index: 1, item: call("b", "") },
      { type: "response.function_call_arguments.delta", output_index: 0, item_id: "fc_a", delta: '{"n"' },
      { type: "response.function_call_arguments.delta", output_index: 1, item_id: "fc_b", delta: '{"n":2}' },
      { type: "response.function_call_arguments.delta", output_index: 0, item_id: "fc_a", delta: ":1}" },
      { type: "response.function_call_arguments.done", output_index: 0, arguments: '{"n":1}' },
      { type: "response.output_item.done", output_index: 0, item: call("a", '{"n":1}') },
      { type: "response.function_call_arguments.done", output_index: 1, arguments: '{"n":2}' },
      { type: "response.output_item.done", output_index: 2, item: call("c", '{"n":3}') },
      { type: "response.output_item.added", output_index: 3, item: call("d", "") },
      { type: "response.function_call_arguments.done", output_index: 3, arguments: '{"n":4}' },
      end(),
    ]);
    expect(answer?.toolCalls.map(({ id, input }) => [id, input])).toEqual([
      ["a", { n: 1 }],
      ["b", { n: 2 }],
      ["c", { n: 3 }],
      ["d", { n: 4 }],
    ]);
    expect(answer?.finishReason).toBe("tool_calls");
    expect(parts.filter((part) => part.type === "tool.delta" && part.id === "a")).toHaveLength(2);
  });

  it("gives what a server sends only at its end", () => {
    const content = [{ type: "output_text", text: "All at once." }];
    const thought = { id: "rs", type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] };
    const { answer } = run([
      { type: "response.output_item.done", output_index: 0, item: thought },
      { type: "response.output_item.done", output_index: 1, item: { type: "message", content } },
      end(),
      "[DONE]",
    ]);
    expect(answer).toMatchObject({ text: "All at once.", finishReason: "stop" });
    expect(answer?.message.content[0]).toEqual({ type: "reasoning", text: "Hm.", provider: "openai-responses" });
  });

  it("says that a model refused, and that an answer is incomplete and why", () => {
    const refused = [{ type: "response.refusal.delta", output_index: 0, delta: "I will not." }, end()];
    expect(run(refused).answer).toMatchObject({ text: "I will not.", metadata: { refusal: "I will not." } });
    const half = [
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { type: "function_call", call_id: "a", name: "look" },
      },
      { type: "response.function_call_arguments.delta", output_index: 0, delta: '{"n":' },
    ];
    const because = (reason: string): JsonObject => end({ status: "incomplete", incomplete_details: { reason } });
    expect(run([...half, because("max_output_tokens")]).answer).toMatchObject({
      finishReason: "length",
      toolCalls: [],
      metadata: { droppedToolCalls: 1 },
    });
    expect(run([because("content_filter")]).answer).toMatchObject({ finishReason: "content_filter" });
    expect(run([because("steered")]).answer).toMatchObject({ finishReason: "other" });
    expect(run([...half, end()]).answer).toMatchObject({ metadata: { invalidToolCalls: 1 } });
  });

  it.each([
    ["server_error", "provider_error"],
    ["rate_limit_exceeded", "provider_rate_limited"],
    ["insufficient_quota", "provider_quota"],
    ["invalid_prompt", "provider_content_filter"],
    ["bio_policy", "provider_content_filter"],
    ["unsupported_image_media_type", "provider_invalid_request"],
    ["context_length_exceeded", "provider_context_length"],
  ])("turns a failure of the kind %s into %s, in each of its forms (acceptance 1)", (code, expected) => {
    const error = { code, message: "said the server" };
    const usage = { input_tokens: 7, output_tokens: 3 };
    const failed = run([{ type: "response.failed", response: { status: "failed", error, usage } }]);
    expect(failed).toMatchObject({ fault: { code: expected, providerCode: code }, usage: { inputTokens: 7 } });
    for (const event of [{ type: "error", ...error, param: null }, { type: "error", error }, { error }]) {
      expect(run([event]).fault).toMatchObject({ code: expected });
    }
  });

  it("is not whole without its end, whatever else came (acceptance 1)", () => {
    const begun = [{ type: "response.output_text.delta", output_index: 0, delta: "half" }];
    expect(run([...begun, "[DONE]"]).fault).toMatchObject({ code: "stream_interrupted" });
    expect(openaiResponsesDecoder("c").push({ event: "", data: '{"hello":1}' }, () => {})).toBe("malformed");
  });
});
