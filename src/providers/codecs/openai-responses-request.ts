import type { JsonObject } from "../../base/index.ts";
import type { AssistantPart, FilePart, Message, ToolDefinition } from "../message.ts";
import { textOf } from "../message.ts";
import type { ModelRequest, ResponseFormat } from "../model.ts";
import { checkConversation } from "./conversation.ts";
import { dataUrl, takeFile } from "./file-part.ts";
import { formatName } from "./openai-chat-request.ts";
import { refusal, type RequestTarget } from "./target.ts";
import { type ToolIdRule, writtenId, writtenName } from "./tool-names.ts";
import { isStrictSchema, toolSchema } from "./tool-schema.ts";
import { callInput, resultText } from "./tool-text.ts";

/** Stands in a signature between the id of a thought and what is encrypted of it. */
export const thoughtMark = ":";

const callIds: ToolIdRule = { pattern: /^.{1,64}$/s, length: 40 };

/**
 * Writes a call as the body of a Responses request. Nothing is stored at OpenAI: the whole conversation goes with every call,
 * and where the model reasons its thoughts come back encrypted (`reasoning`), to be sent again.
 *
 * Errors: provider_invalid_request for what the format cannot carry.
 */
export function openaiResponsesRequest(
  request: ModelRequest,
  target: RequestTarget,
  { reasoning }: { readonly reasoning: boolean },
): JsonObject {
  const { tools = [], toolChoice, responseFormat, maxOutputTokens, temperature, stopSequences = [] } = request;
  const own = request.providerOptions?.[target.provider];
  if (!elsewhere.some((key) => own?.[key] !== undefined)) checkConversation(request.messages, target);
  if (stopSequences.length > 0) throw refusal(target, "knows no stop sequences in this format", "stopSequences");
  return {
    model: target.model,
    input: request.messages.flatMap((message) => writeMessage(message, target)),
    stream: true,
    store: false,
    ...(reasoning && { include: ["reasoning.encrypted_content"] }),
    ...(tools.length > 0 && { tools: tools.map((tool) => writeTool(tool, target)) }),
    ...(tools.length > 0 && toolChoice !== undefined && { tool_choice: choiceOf(toolChoice) }),
    ...(responseFormat !== undefined && { text: { format: formatOf(responseFormat) } }),
    ...(maxOutputTokens !== undefined && { max_output_tokens: maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
  };
}

/** Are a provider's own options that say where the conversation begins, so that what is sent is only the rest of it. */
const elsewhere = ["previous_response_id", "conversation", "prompt"];

function writeMessage(message: Message, target: RequestTarget): readonly JsonObject[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: textOf(message) }];
    case "user": {
      const content = message.content.map((part) =>
        part.type === "text" ? { type: "input_text", text: part.text } : writeFile(part, target),
      );
      return [{ role: "user", content }];
    }
    case "assistant":
      return message.content.flatMap((part) => writePart(part, target));
    case "tool":
      return message.content.map((part) => ({
        type: "function_call_output",
        call_id: writtenId(part.id, callIds),
        output: resultText(part),
      }));
  }
}

function writePart(part: AssistantPart, { provider }: RequestTarget): readonly JsonObject[] {
  switch (part.type) {
    case "text":
      return part.text === "" ? [] : [{ role: "assistant", content: part.text }];
    case "reasoning": {
      const { signature, text } = part;
      if (signature === undefined || part.provider !== provider) return [];
      const end = signature.indexOf(thoughtMark);
      const summary = text === "" ? [] : [{ type: "summary_text", text }];
      const encrypted = signature.slice(end + thoughtMark.length);
      return [{ type: "reasoning", id: signature.slice(0, end), summary, encrypted_content: encrypted }];
    }
    case "tool.call":
      return [
        {
          type: "function_call",
          call_id: writtenId(part.id, callIds),
          name: writtenName(part.name),
          arguments: JSON.stringify(callInput(part.input)),
        },
      ];
  }
}

function writeFile(part: FilePart, target: RequestTarget): JsonObject {
  const file = takeFile(part, target);
  if (file.mediaType.startsWith("image/")) {
    return { type: "input_image", detail: "auto", image_url: file.url ?? dataUrl(file) };
  }
  if (file.url !== undefined) return { type: "input_file", file_url: file.url };
  return { type: "input_file", filename: part.name ?? "file", file_data: dataUrl(file) };
}

/** Writes a tool. `strict` is always said: a schema is else bent into a strict one, whose missing keys the model must make up. */
function writeTool(tool: ToolDefinition, target: RequestTarget): JsonObject {
  const parameters = toolSchema(tool, target);
  return {
    type: "function",
    name: writtenName(tool.name),
    description: tool.description,
    parameters,
    strict: isStrictSchema(parameters),
  };
}

function choiceOf(choice: NonNullable<ModelRequest["toolChoice"]>): JsonObject | string {
  return typeof choice === "string" ? choice : { type: "function", name: writtenName(choice.name) };
}

function formatOf(format: ResponseFormat): JsonObject {
  const { schema } = format;
  return { type: "json_schema", name: formatName(format), schema, strict: isStrictSchema(schema) };
}
