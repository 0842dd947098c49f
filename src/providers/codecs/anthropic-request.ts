import type { JsonObject } from "../../base/index.ts";
import type {
  AssistantPart,
  CacheMark,
  FilePart,
  Message,
  ToolDefinition,
  ToolResultPart,
  UserPart,
} from "../message.ts";
import { readText } from "../transport/decoder.ts";
import type { ModelRequest } from "../model.ts";
import { type MarkedBlock, writeMarks } from "./anthropic-cache.ts";
import { anthropicSchema } from "./anthropic-schema.ts";
import { checkConversation, nothingToAnswer } from "./conversation.ts";
import { takeFile, unsuitableFile } from "./file-part.ts";
import type { RequestTarget } from "./target.ts";
import { type ToolIdRule, writtenId, writtenName } from "./tool-names.ts";
import { toolSchema } from "./tool-schema.ts";
import { callInput, toolText } from "./tool-text.ts";

/** Marks, at the start of a signature, a thought that the provider encrypted as a whole. */
export const redactedMark = "redacted:";

const toolIds: ToolIdRule = { pattern: /^[A-Za-z0-9_-]{1,64}$/, length: 40 };

/**
 * Writes a call as the body of a Messages request. Reasoning is sent back to the provider that signed it, and to no other.
 * `defaultMaxTokens` stands in where the call names no bound, because the interface demands one; `structuredOutput` tells
 * whether the model can be held to a schema.
 *
 * Errors: provider_invalid_request for what the format cannot carry.
 */
export function anthropicRequest(
  request: ModelRequest,
  target: RequestTarget,
  options: { readonly defaultMaxTokens: number; readonly structuredOutput: boolean },
): JsonObject {
  const { tools = [], toolChoice, responseFormat, temperature, stopSequences } = request;
  checkConversation(request.messages, target);
  const { system, messages } = writeConversation(request.messages, target);
  if (messages.length === 0) throw nothingToAnswer(target);
  return {
    model: target.model,
    max_tokens: request.maxOutputTokens ?? options.defaultMaxTokens,
    stream: true,
    ...(system !== undefined && { system }),
    messages,
    ...(tools.length > 0 && { tools: tools.map((tool) => writeTool(tool, target)) }),
    ...(tools.length > 0 && toolChoice !== undefined && { tool_choice: choiceOf(toolChoice) }),
    ...(responseFormat !== undefined &&
      options.structuredOutput && {
        output_config: { format: { type: "json_schema", schema: anthropicSchema(responseFormat.schema, target) } },
      }),
    ...(temperature !== undefined && { temperature }),
    ...(stopSequences !== undefined && stopSequences.length > 0 && { stop_sequences: stopSequences }),
  };
}

type Turn = { readonly role: string; readonly content: JsonObject[] };

/** Writes the conversation; neighbours of one role become one message, as tool results are the user's here. */
function writeConversation(
  messages: readonly Message[],
  target: RequestTarget,
): { readonly system: string | readonly JsonObject[] | undefined; readonly messages: readonly Turn[] } {
  const system: JsonObject[] = [];
  const systemMarks: MarkedBlock[] = [];
  const turns: Turn[] = [];
  const marks: MarkedBlock[] = [];
  for (const message of messages) {
    const blocks = message.content.flatMap((part) => writePart(part, target));
    if (blocks.length === 0) continue;
    if (message.role === "system") {
      system.push(...blocks);
      mark(system, message.cache, systemMarks);
      continue;
    }
    const role = message.role === "assistant" ? "assistant" : "user";
    const last = turns.at(-1);
    const turn = last?.role === role ? last : { role, content: [] };
    if (turn !== last) turns.push(turn);
    turn.content.push(...blocks);
    mark(turn.content, message.cache, marks);
  }
  trimPrefill(turns.at(-1));
  // The system comes before the conversation, wherever it stood in it.
  writeMarks([...systemMarks, ...marks]);
  return { system: systemOf(system, systemMarks.length > 0), messages: turns };
}

function mark(blocks: JsonObject[], cache: CacheMark | undefined, marks: MarkedBlock[]): void {
  // Thoughts cannot be marked.
  const at = blocks.findLastIndex(({ type }) => type !== "thinking" && type !== "redacted_thinking");
  if (cache === undefined || at === -1) return;
  marks.push({
    cache,
    replace(write) {
      const block = blocks[at];
      if (block !== undefined) blocks[at] = write(block);
    },
  });
}

/** Takes the blanks off the end of an answer that the model is to go on with: the interface takes none there. */
function trimPrefill(last: Turn | undefined): void {
  const block = last?.content.at(-1);
  if (last?.role !== "assistant" || block?.["type"] !== "text" || typeof block["text"] !== "string") return;
  last.content[last.content.length - 1] = { ...block, text: block["text"].trimEnd() };
}

function systemOf(blocks: readonly JsonObject[], marked: boolean): string | readonly JsonObject[] | undefined {
  if (blocks.length === 0) return undefined;
  return marked ? blocks : blocks.map((block) => readText(block, "text")).join("\n\n");
}

function writePart(part: UserPart | AssistantPart | ToolResultPart, target: RequestTarget): readonly JsonObject[] {
  switch (part.type) {
    case "text":
      return part.text.trim() === "" ? [] : [{ type: "text", text: part.text }];
    case "file":
      return [writeFile(part, target)];
    case "reasoning": {
      if (part.signature === undefined || part.provider !== target.provider) return [];
      if (part.signature.startsWith(redactedMark)) {
        return [{ type: "redacted_thinking", data: part.signature.slice(redactedMark.length) }];
      }
      return [{ type: "thinking", thinking: part.text, signature: part.signature }];
    }
    case "tool.call":
      return [
        {
          type: "tool_use",
          id: writtenId(part.id, toolIds),
          name: writtenName(part.name),
          input: callInput(part.input),
        },
      ];
    case "tool.result":
      return [
        {
          type: "tool_result",
          tool_use_id: writtenId(part.id, toolIds),
          content: toolText(part.output),
          ...(part.failed === true && { is_error: true }),
        },
      ];
  }
}

function writeFile(part: FilePart, target: RequestTarget): JsonObject {
  const { mediaType, data, url } = takeFile(part, target);
  const title = part.name === undefined ? {} : { title: part.name };
  if (mediaType.startsWith("text/")) {
    if (data === undefined) throw unsuitableFile(target, mediaType, "by address; give it as data");
    const text = Buffer.from(data, "base64").toString("utf8");
    return { type: "document", source: { type: "text", media_type: "text/plain", data: text }, ...title };
  }
  const source = data === undefined ? { type: "url", url } : { type: "base64", media_type: mediaType, data };
  return mediaType.startsWith("image/") ? { type: "image", source } : { type: "document", source, ...title };
}

function writeTool(tool: ToolDefinition, target: RequestTarget): JsonObject {
  return { name: writtenName(tool.name), description: tool.description, input_schema: toolSchema(tool, target) };
}

function choiceOf(choice: NonNullable<ModelRequest["toolChoice"]>): JsonObject {
  if (typeof choice !== "string") return { type: "tool", name: writtenName(choice.name) };
  return { type: choice === "required" ? "any" : choice };
}
