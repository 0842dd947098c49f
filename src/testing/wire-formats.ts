import type { JsonObject } from "../base/index.ts";
import { contractCall, contractText, type ModelScenario } from "./model-contract.ts";
import type { WireAnswer } from "./wire-server.ts";

/** Is a wire format by the bytes that it sends: what `wireServer` must answer for each scenario of the model contract. */
export interface WireFormat {
  /** The whole answer of the `text` scenario, as one text. */
  readonly text: string;
  /** The whole answer of the `tool` scenario, as one text. */
  readonly tool: string;
  answer(scenario: ModelScenario): WireAnswer;
}

const pieces = contractText.match(/.{1,9}/gsu) ?? [];
const input = JSON.stringify(contractCall.input);
const inputPieces = input.match(/.{1,7}/gsu) ?? [];

const sse = (event: JsonObject, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(event)}\n\n`;

function openaiChunk(delta: JsonObject, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  return sse({ id: "chatcmpl-1", object: "chat.completion.chunk", model: "test-model", choices, usage: null });
}

const openaiEnd = [
  sse({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    model: "test-model",
    choices: [],
    usage: { prompt_tokens: 30, completion_tokens: 12, prompt_tokens_details: { cached_tokens: 8 } },
  }),
  "data: [DONE]\n\n",
];

const openaiTool = [
  openaiChunk({ role: "assistant", content: null }),
  openaiChunk({
    tool_calls: [{ index: 0, id: "call_a", type: "function", function: { name: contractCall.name, arguments: "" } }],
  }),
  ...inputPieces.map((text) => openaiChunk({ tool_calls: [{ index: 0, function: { arguments: text } }] })),
  openaiChunk({}, "tool_calls"),
  ...openaiEnd,
];

const openaiText = [
  openaiChunk({ role: "assistant", content: "" }),
  ...pieces.map((content) => openaiChunk({ content })),
  openaiChunk({}, "stop"),
  ...openaiEnd,
];

function anthropicEvent(event: JsonObject & { readonly type: string }): string {
  return sse(event, event.type);
}

const anthropicStart = [
  anthropicEvent({
    type: "message_start",
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "test-model",
      content: [],
      stop_reason: null,
      usage: { input_tokens: 22, cache_read_input_tokens: 8, cache_creation_input_tokens: 0, output_tokens: 1 },
    },
  }),
  anthropicEvent({ type: "ping" }),
];

function anthropicBlock(block: JsonObject, deltas: readonly JsonObject[], stopReason: string): readonly string[] {
  return [
    ...anthropicStart,
    anthropicEvent({ type: "content_block_start", index: 0, content_block: block }),
    ...deltas.map((delta) => anthropicEvent({ type: "content_block_delta", index: 0, delta })),
    anthropicEvent({ type: "content_block_stop", index: 0 }),
    anthropicEvent({ type: "message_delta", delta: { stop_reason: stopReason }, usage: { output_tokens: 12 } }),
    anthropicEvent({ type: "message_stop" }),
  ];
}

const anthropicText = anthropicBlock(
  { type: "text", text: "" },
  pieces.map((text) => ({ type: "text_delta", text })),
  "end_turn",
);

const anthropicTool = anthropicBlock(
  { type: "tool_use", id: "toolu_a", name: contractCall.name, input: {} },
  inputPieces.map((text) => ({ type: "input_json_delta", partial_json: text })),
  "tool_use",
);

/** Writes the events of Responses, each with its place in the order. */
function responsesEvents(events: readonly (JsonObject & { readonly type: string })[]): readonly string[] {
  return events.map((event, place) => sse({ ...event, sequence_number: place }, event.type));
}

function responsesAnswer(
  item: JsonObject,
  pieces: readonly (JsonObject & { readonly type: string })[],
  done: JsonObject,
): readonly string[] {
  const response = { id: "resp_1", object: "response", model: "test-model", error: null, incomplete_details: null };
  const output = { output_index: 0 };
  const usage = {
    input_tokens: 30,
    input_tokens_details: { cached_tokens: 8 },
    output_tokens: 12,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 42,
  };
  const whole = { ...response, status: "completed", output: [done], usage };
  return responsesEvents([
    { type: "response.created", response: { ...response, status: "in_progress", output: [], usage: null } },
    { type: "response.in_progress", response: { ...response, status: "in_progress", output: [], usage: null } },
    { type: "response.output_item.added", ...output, item },
    ...pieces.map((piece) => ({ ...piece, ...output, item_id: "item_1" })),
    { type: "response.output_item.done", ...output, item: done },
    { type: "response.completed", response: whole },
  ]);
}

const responsesMessage = { id: "item_1", type: "message", role: "assistant" };
const responsesPart = { type: "output_text", text: contractText, annotations: [] };

const responsesText = responsesAnswer(
  { ...responsesMessage, status: "in_progress", content: [] },
  [
    { type: "response.content_part.added", content_index: 0, part: { ...responsesPart, text: "" } },
    ...pieces.map((delta) => ({ type: "response.output_text.delta", content_index: 0, delta, logprobs: [] })),
    { type: "response.output_text.done", content_index: 0, text: contractText, logprobs: [] },
    { type: "response.content_part.done", content_index: 0, part: responsesPart },
  ],
  { ...responsesMessage, status: "completed", content: [responsesPart] },
);

const responsesCall = { id: "item_1", type: "function_call", call_id: "call_a", name: contractCall.name };

const responsesTool = responsesAnswer(
  { ...responsesCall, status: "in_progress", arguments: "" },
  [
    ...inputPieces.map((delta) => ({ type: "response.function_call_arguments.delta", delta })),
    { type: "response.function_call_arguments.done", arguments: input },
  ],
  { ...responsesCall, status: "completed", arguments: input },
);

function ollamaLine(message: JsonObject, rest: JsonObject = { done: false }): string {
  return `${JSON.stringify({ model: "test-model", created_at: "2026-01-01T00:00:00Z", message: { role: "assistant", ...message }, ...rest })}\n`;
}

const ollamaEnd = ollamaLine(
  { content: "" },
  { done: true, done_reason: "stop", prompt_eval_count: 30, eval_count: 12 },
);

const ollamaText = [...pieces.map((content) => ollamaLine({ content })), ollamaEnd];

const ollamaTool = [
  ollamaLine({ content: "", tool_calls: [{ function: { name: contractCall.name, arguments: contractCall.input } }] }),
  ollamaEnd,
];

function formatOf(
  contentType: string,
  answers: { readonly text: readonly string[]; readonly tool: readonly string[] },
  beginning: number,
): WireFormat {
  const headers = { "content-type": contentType };
  const begun = answers.text.slice(0, beginning);
  const scenarios: Readonly<Record<ModelScenario, WireAnswer>> = {
    text: { headers, chunks: answers.text },
    tool: { headers, chunks: answers.tool },
    truncated: { headers, chunks: begun },
    stalled: { headers, chunks: begun, ending: "hang" },
    silent: { silent: true },
    limited: {
      status: 429,
      headers: { "content-type": "application/json", "retry-after": "2", "x-request-id": "req-1" },
      chunks: [JSON.stringify({ error: { type: "rate_limit_error", message: "Slow down." } })],
    },
  };
  return { text: answers.text.join(""), tool: answers.tool.join(""), answer: (scenario) => scenarios[scenario] };
}

/** Holds the wire formats by name, each as its provider documents it. */
export const wireFormats = {
  "openai-chat": formatOf("text/event-stream", { text: openaiText, tool: openaiTool }, 3),
  "openai-responses": formatOf("text/event-stream", { text: responsesText, tool: responsesTool }, 6),
  anthropic: formatOf("text/event-stream; charset=utf-8", { text: anthropicText, tool: anthropicTool }, 5),
  ollama: formatOf("application/x-ndjson", { text: ollamaText, tool: ollamaTool }, 2),
} satisfies Record<string, WireFormat>;
