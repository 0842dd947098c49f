import type { JsonObject } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { AssistantPart, FilePart, Message, ToolDefinition, ToolResultPart, UserPart } from "../message.ts";
import { textOf } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { toolText } from "./tool-text.ts";

/** Marks, at the start of a signature, a thought that the provider encrypted as a whole. */
export const redactedMark = "redacted:";

/**
 * Writes a call as the body of a Messages request. `provider` names whose reasoning signatures may be sent back;
 * `defaultMaxTokens` stands in where the call names no bound, because the interface demands one.
 */
export function anthropicRequest(
  model: string,
  request: ModelRequest,
  options: { readonly provider: string; readonly defaultMaxTokens: number },
): JsonObject {
  const { tools = [], toolChoice, responseFormat, temperature, stopSequences } = request;
  const system = request.messages
    .filter((message) => message.role === "system")
    .map(textOf)
    .filter(Boolean)
    .join("\n\n");
  return {
    model,
    max_tokens: request.maxOutputTokens ?? options.defaultMaxTokens,
    stream: true,
    ...(system !== "" && { system }),
    messages: writeMessages(request.messages, options.provider),
    ...(tools.length > 0 && { tools: tools.map(writeTool) }),
    ...(tools.length > 0 && toolChoice !== undefined && { tool_choice: choiceOf(toolChoice) }),
    ...(responseFormat !== undefined && {
      output_config: { format: { type: "json_schema", schema: responseFormat.schema } },
    }),
    ...(temperature !== undefined && { temperature }),
    ...(stopSequences !== undefined && stopSequences.length > 0 && { stop_sequences: stopSequences }),
  };
}

/** Writes the conversation; neighbours of one role become one message, as tool results are the user's here. */
function writeMessages(messages: readonly Message[], provider: string): readonly JsonObject[] {
  const written: { role: string; content: JsonObject[] }[] = [];
  for (const message of messages) {
    if (message.role === "system") continue;
    const role = message.role === "assistant" ? "assistant" : "user";
    const content = message.content.flatMap((part) => writePart(part, provider));
    if (content.length === 0) continue;
    const last = written.at(-1);
    if (last?.role === role) last.content.push(...content);
    else written.push({ role, content });
  }
  return written;
}

function writePart(part: UserPart | AssistantPart | ToolResultPart, provider: string): readonly JsonObject[] {
  switch (part.type) {
    case "text":
      return part.text.trim() === "" ? [] : [{ type: "text", text: part.text }];
    case "file":
      return [writeFile(part)];
    case "reasoning": {
      if (part.signature === undefined || part.provider !== provider) return [];
      if (part.signature.startsWith(redactedMark)) {
        return [{ type: "redacted_thinking", data: part.signature.slice(redactedMark.length) }];
      }
      return [{ type: "thinking", thinking: part.text, signature: part.signature }];
    }
    case "tool.call":
      return [{ type: "tool_use", id: part.id, name: part.name, input: isJsonObject(part.input) ? part.input : {} }];
    case "tool.result":
      return [
        {
          type: "tool_result",
          tool_use_id: part.id,
          content: toolText(part.output),
          ...(part.failed === true && { is_error: true }),
        },
      ];
  }
}

function writeFile(part: FilePart): JsonObject {
  const source =
    part.url === undefined
      ? { type: "base64", media_type: part.mediaType, data: part.data ?? "" }
      : { type: "url", url: part.url };
  return { type: part.mediaType.startsWith("image/") ? "image" : "document", source };
}

function writeTool(tool: ToolDefinition): JsonObject {
  return { name: tool.name, description: tool.description, input_schema: tool.inputSchema };
}

function choiceOf(choice: NonNullable<ModelRequest["toolChoice"]>): JsonObject {
  if (typeof choice !== "string") return { type: "tool", name: choice.name };
  return { type: choice === "required" ? "any" : choice };
}
