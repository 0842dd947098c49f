import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { FilePart, Message, TextPart, ToolDefinition, UserPart } from "../message.ts";
import { textOf } from "../message.ts";
import type { ModelRequest, ResponseFormat } from "../model.ts";
import { toolText } from "./tool-text.ts";

/** Names how an OpenAI-compatible endpoint differs from OpenAI's own, as data. */
export interface OpenAiChatQuirks {
  /** Sends `stream_options.include_usage`; some endpoints refuse it. */
  readonly usageOption: boolean;
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
  /** What the endpoint knows of structured output: a schema, any JSON object, or nothing. */
  readonly structuredOutput: "schema" | "object" | "none";
}

/** Are the quirks of OpenAI's own endpoint. */
export const openaiQuirks: OpenAiChatQuirks = {
  usageOption: true,
  maxTokensField: "max_completion_tokens",
  structuredOutput: "schema",
};

/** Are the quirks that most compatible endpoints share. */
export const compatibleQuirks: OpenAiChatQuirks = {
  usageOption: true,
  maxTokensField: "max_tokens",
  structuredOutput: "schema",
};

/** Writes a call as the body of a Chat Completions request. */
export function openaiChatRequest(model: string, request: ModelRequest, quirks: OpenAiChatQuirks): JsonObject {
  const { tools = [], toolChoice, responseFormat, maxOutputTokens, temperature, stopSequences, seed } = request;
  const format = responseFormat === undefined ? undefined : formatOf(responseFormat, quirks);
  return {
    model,
    messages: request.messages.flatMap(writeMessage),
    stream: true,
    ...(quirks.usageOption && { stream_options: { include_usage: true } }),
    ...(tools.length > 0 && { tools: tools.map(writeTool) }),
    ...(tools.length > 0 && toolChoice !== undefined && { tool_choice: choiceOf(toolChoice) }),
    ...(format !== undefined && { response_format: format }),
    ...(maxOutputTokens !== undefined && { [quirks.maxTokensField]: maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(stopSequences !== undefined && stopSequences.length > 0 && { stop: stopSequences }),
    ...(seed !== undefined && { seed }),
  };
}

function writeMessage(message: Message): readonly JsonObject[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: textOf(message) }];
    case "user":
      return [{ role: "user", content: writeUser(message.content) }];
    case "assistant": {
      const calls = message.content.filter((part) => part.type === "tool.call");
      const text = textOf(message);
      return [
        {
          role: "assistant",
          content: text === "" && calls.length > 0 ? null : text,
          ...(calls.length > 0 && {
            tool_calls: calls.map((call) => ({
              id: call.id,
              type: "function",
              function: { name: call.name, arguments: JSON.stringify(call.input) },
            })),
          }),
        },
      ];
    }
    case "tool":
      return message.content.map((part) => ({
        role: "tool",
        tool_call_id: part.id,
        content: part.failed === true ? JSON.stringify({ error: part.output }) : toolText(part.output),
      }));
  }
}

function writeUser(parts: readonly UserPart[]): JsonValue {
  if (parts.every((part): part is TextPart => part.type === "text")) return parts.map((part) => part.text).join("");
  return parts.map((part) => (part.type === "text" ? { type: "text", text: part.text } : writeFile(part)));
}

function writeFile(part: FilePart): JsonObject {
  const url = part.url ?? `data:${part.mediaType};base64,${part.data ?? ""}`;
  if (part.mediaType.startsWith("image/")) return { type: "image_url", image_url: { url } };
  return { type: "file", file: { filename: part.name ?? "file", file_data: url } };
}

function writeTool(tool: ToolDefinition): JsonObject {
  return {
    type: "function",
    function: { name: tool.name, description: tool.description, parameters: tool.inputSchema },
  };
}

function choiceOf(choice: NonNullable<ModelRequest["toolChoice"]>): JsonValue {
  return typeof choice === "string" ? choice : { type: "function", function: { name: choice.name } };
}

function formatOf(format: ResponseFormat, quirks: OpenAiChatQuirks): JsonObject | undefined {
  if (quirks.structuredOutput === "none") return undefined;
  if (quirks.structuredOutput === "object") return { type: "json_object" };
  const strict = isStrict(format.schema);
  return {
    type: "json_schema",
    json_schema: { name: nameOf(format), schema: format.schema, ...(strict && { strict }) },
  };
}

/** Writes a name with the characters and in the length that OpenAI takes. It tells the model nothing that must be exact. */
function nameOf({ name }: ResponseFormat): string {
  return name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "answer";
}

/** Tells whether every object in a schema is closed and requires all its keys: only then does OpenAI hold an answer to it. */
function isStrict(schema: JsonValue): boolean {
  if (Array.isArray(schema)) return schema.every((item: JsonValue) => isStrict(item));
  if (!isJsonObject(schema)) return true;
  if (schema["type"] === "object") {
    const keys = isJsonObject(schema["properties"]) ? Object.keys(schema["properties"]) : [];
    const required = schema["required"];
    if (schema["additionalProperties"] !== false || !Array.isArray(required)) return false;
    if (keys.some((key) => !required.includes(key))) return false;
  }
  return Object.values(schema).every((item) => isStrict(item));
}
