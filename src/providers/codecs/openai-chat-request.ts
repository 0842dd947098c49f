import type { JsonObject, JsonValue } from "../../base/index.ts";
import type { AssistantPart, FilePart, Message, TextPart, ToolDefinition, UserPart } from "../message.ts";
import { textOf } from "../message.ts";
import type { ModelRequest, ResponseFormat } from "../model.ts";
import { checkConversation } from "./conversation.ts";
import { dataUrl, takeFile, unsuitableFile } from "./file-part.ts";
import { detailsIn } from "./reasoning-details.ts";
import type { RequestTarget } from "./target.ts";
import { type ToolIdRule, writtenId, writtenName } from "./tool-names.ts";
import { isStrictSchema, toolSchema } from "./tool-schema.ts";
import { callInput, resultText } from "./tool-text.ts";

/** Names how an OpenAI-compatible endpoint differs from OpenAI's own, as data. */
export interface OpenAiChatQuirks {
  /** Sends `stream_options.include_usage`; some endpoints refuse it. One that does so by name is remembered even without this. */
  readonly usageOption: boolean;
  /** Is where the models are listed to a key, where `/models` lists them to everybody and so says nothing about the key. */
  readonly modelsPath?: string;
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
  readonly seedField: "seed" | "random_seed";
  /** What the endpoint knows of structured output: a schema, any JSON object, or nothing. */
  readonly structuredOutput: "schema" | "object" | "none";
  /** What ids of tool calls it takes: any of at most 40 characters, or only nine letters and digits. */
  readonly toolIds: "any" | "nine";
  /**
   * Under which name it wants the model's own thoughts back; most want none. `reasoning_content` stands with every tool call, and
   * is empty where there were none: DeepSeek refuses a call without it. `reasoning_details` is OpenRouter's, with the signatures.
   */
  readonly reasoningField: "reasoning_content" | "reasoning" | "reasoning_details" | "none";
}

/** Are the quirks of OpenAI's own endpoint. */
export const openaiQuirks: OpenAiChatQuirks = {
  usageOption: true,
  maxTokensField: "max_completion_tokens",
  seedField: "seed",
  structuredOutput: "schema",
  toolIds: "any",
  reasoningField: "none",
};

/** Are the quirks that most compatible endpoints share. */
export const compatibleQuirks: OpenAiChatQuirks = { ...openaiQuirks, maxTokensField: "max_tokens" };

const toolIdRules: Readonly<Record<OpenAiChatQuirks["toolIds"], ToolIdRule>> = {
  any: { pattern: /^.{1,40}$/s, length: 40 },
  nine: { pattern: /^[A-Za-z0-9]{9}$/, length: 9 },
};

interface Writing {
  readonly target: RequestTarget;
  readonly quirks: OpenAiChatQuirks;
}

/** Writes a call as the body of a Chat Completions request. Errors: provider_invalid_request for what the format cannot carry. */
export function openaiChatRequest(request: ModelRequest, target: RequestTarget, quirks: OpenAiChatQuirks): JsonObject {
  const { tools = [], toolChoice, responseFormat, maxOutputTokens, temperature, stopSequences, seed } = request;
  checkConversation(request.messages, target);
  const format = responseFormat === undefined ? undefined : formatOf(responseFormat, quirks);
  return {
    model: target.model,
    messages: request.messages.flatMap((message) => writeMessage(message, { target, quirks })),
    stream: true,
    ...(quirks.usageOption && { stream_options: { include_usage: true } }),
    ...(tools.length > 0 && { tools: tools.map((tool) => writeTool(tool, target)) }),
    ...(tools.length > 0 && toolChoice !== undefined && { tool_choice: choiceOf(toolChoice) }),
    ...(format !== undefined && { response_format: format }),
    ...(maxOutputTokens !== undefined && { [quirks.maxTokensField]: maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(stopSequences !== undefined && stopSequences.length > 0 && { stop: stopSequences }),
    ...(seed !== undefined && { [quirks.seedField]: seed }),
  };
}

function writeMessage(message: Message, writing: Writing): readonly JsonObject[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: textOf(message) }];
    case "user":
      return [{ role: "user", content: writeUser(message.content, writing.target) }];
    case "assistant":
      // What is left of an answer without a word, such as the thoughts of another provider, is no message.
      return message.content.some((part) => part.type !== "reasoning" && !isEmptyText(part))
        ? [writeAssistant(message, writing)]
        : [];
    case "tool":
      return message.content.map((part) => ({
        role: "tool",
        tool_call_id: idOf(part.id, writing),
        content: resultText(part),
      }));
  }
}

function isEmptyText(part: AssistantPart): boolean {
  return part.type === "text" && part.text === "";
}

function writeAssistant(message: Extract<Message, { role: "assistant" }>, writing: Writing): JsonObject {
  const calls = message.content.filter((part) => part.type === "tool.call");
  const text = textOf(message);
  return {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    ...thoughtsOf(message, writing),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call) => ({
        id: idOf(call.id, writing),
        type: "function",
        function: { name: writtenName(call.name), arguments: JSON.stringify(callInput(call.input)) },
      })),
    }),
  };
}

/** Writes the model's own thoughts as its provider wants them back. */
function thoughtsOf(message: Extract<Message, { role: "assistant" }>, { target, quirks }: Writing): JsonObject {
  const { reasoningField } = quirks;
  if (reasoningField === "none") return {};
  const own = message.content
    .filter((part) => part.type === "reasoning")
    .filter((part) => part.provider === target.provider);
  if (reasoningField === "reasoning_details") {
    const details = own.flatMap((part) => (part.signature === undefined ? [] : detailsIn(part.signature)));
    return details.length > 0 ? { reasoning_details: details } : {};
  }
  const text = own.map((part) => part.text).join("");
  const always = reasoningField === "reasoning_content" && message.content.some((part) => part.type === "tool.call");
  return always || text !== "" ? { [reasoningField]: text } : {};
}

function idOf(id: string, { quirks }: Writing): string {
  return writtenId(id, toolIdRules[quirks.toolIds]);
}

function writeUser(parts: readonly UserPart[], target: RequestTarget): JsonValue {
  if (parts.every((part): part is TextPart => part.type === "text")) return parts.map((part) => part.text).join("");
  return parts.map((part) => (part.type === "text" ? { type: "text", text: part.text } : writeFile(part, target)));
}

const audioFormats: Readonly<Record<string, string>> = { "audio/wav": "wav", "audio/mpeg": "mp3" };

function writeFile(part: FilePart, target: RequestTarget): JsonObject {
  const file = takeFile(part, target);
  if (file.mediaType.startsWith("image/")) {
    return { type: "image_url", image_url: { url: file.url ?? dataUrl(file) } };
  }
  if (file.url !== undefined) throw unsuitableFile(target, file.mediaType, "by address; give it as data");
  const format = audioFormats[file.mediaType];
  if (format !== undefined) return { type: "input_audio", input_audio: { data: file.data, format } };
  return { type: "file", file: { filename: part.name ?? "file", file_data: dataUrl(file) } };
}

function writeTool(tool: ToolDefinition, target: RequestTarget): JsonObject {
  return {
    type: "function",
    function: {
      name: writtenName(tool.name),
      description: tool.description,
      parameters: toolSchema(tool, target),
    },
  };
}

function choiceOf(choice: NonNullable<ModelRequest["toolChoice"]>): JsonValue {
  return typeof choice === "string" ? choice : { type: "function", function: { name: writtenName(choice.name) } };
}

function formatOf(format: ResponseFormat, quirks: OpenAiChatQuirks): JsonObject | undefined {
  if (quirks.structuredOutput === "none") return undefined;
  if (quirks.structuredOutput === "object") return { type: "json_object" };
  const strict = isStrictSchema(format.schema);
  return {
    type: "json_schema",
    json_schema: { name: formatName(format), schema: format.schema, ...(strict && { strict }) },
  };
}

/** Writes the name of a format with the characters and in the length that OpenAI takes. It tells the model nothing that must be exact. */
export function formatName({ name }: ResponseFormat): string {
  return name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "answer";
}
