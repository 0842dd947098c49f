import type { JsonObject } from "../../base/index.ts";
import type { FilePart, Message } from "../message.ts";
import { textOf } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { takeFile, unsuitableFile } from "./file-part.ts";
import type { RequestTarget } from "./target.ts";
import { toolSchema } from "./tool-schema.ts";
import { callInput, resultText } from "./tool-text.ts";

/**
 * Says how a server is to run a model. Units: `contextTokens` tokens; `keepAlive` seconds, or a text such as `10m`, for which the
 * model stays loaded after the call (negative: for ever). `think` asks a reasoning model for its thoughts, or for none.
 * `truncate` lets the server cut what does not fit; without it that is an error, on servers that know the option (0.12.6).
 */
export type OllamaRunOptions = {
  readonly contextTokens: number;
  readonly think?: boolean | "low" | "medium" | "high" | undefined;
  readonly keepAlive?: number | string | undefined;
  readonly truncate?: boolean | undefined;
};

/**
 * Writes a call as the body of Ollama's native chat. How much context it needs is always sent, because a server that is not told
 * falls back to a small one and cuts the conversation without a word.
 *
 * Errors: provider_invalid_request for what the format cannot carry.
 */
export function ollamaRequest(request: ModelRequest, target: RequestTarget, run: OllamaRunOptions): JsonObject {
  const { tools = [], toolChoice, responseFormat, maxOutputTokens, temperature, stopSequences, seed } = request;
  const { contextTokens, think, keepAlive, truncate = false } = run;
  return {
    model: target.model,
    messages: request.messages.flatMap((message) => writeMessage(message, target)),
    stream: true,
    ...(!truncate && { truncate, shift: truncate }),
    ...(think !== undefined && { think }),
    ...(keepAlive !== undefined && { keep_alive: keepAlive }),
    // Ollama has no tool choice; leaving the tools out is the only way to forbid them.
    ...(tools.length > 0 &&
      toolChoice !== "none" && {
        tools: tools.map((tool) => ({
          type: "function",
          function: { name: tool.name, description: tool.description, parameters: toolSchema(tool, target) },
        })),
      }),
    ...(responseFormat !== undefined && { format: responseFormat.schema }),
    options: {
      num_ctx: contextTokens,
      ...(maxOutputTokens !== undefined && { num_predict: maxOutputTokens }),
      ...(temperature !== undefined && { temperature }),
      ...(stopSequences !== undefined && stopSequences.length > 0 && { stop: stopSequences }),
      ...(seed !== undefined && { seed }),
    },
  };
}

function writeMessage(message: Message, target: RequestTarget): readonly JsonObject[] {
  if (message.role === "tool") {
    return message.content.map((part) => ({ role: "tool", tool_name: part.name, content: resultText(part) }));
  }
  const content = textOf(message);
  if (message.role === "user") {
    const images = message.content.flatMap((part) => (part.type === "file" ? [imageOf(part, target)] : []));
    return [{ role: "user", content, ...(images.length > 0 && { images }) }];
  }
  if (message.role === "system") return [{ role: "system", content }];
  const calls = message.content.flatMap((part) =>
    part.type === "tool.call" ? [{ function: { name: part.name, arguments: callInput(part.input) } }] : [],
  );
  const thinking = message.content
    .flatMap((part) => (part.type === "reasoning" && part.provider === target.provider ? [part.text] : []))
    .join("");
  return [
    {
      role: "assistant",
      content,
      ...(thinking !== "" && { thinking }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
  ];
}

function imageOf(part: FilePart, target: RequestTarget): string {
  const { mediaType, data } = takeFile(part, target);
  if (!mediaType.startsWith("image/"))
    throw unsuitableFile(target, mediaType, "in this format; it carries images only");
  if (data === undefined) throw unsuitableFile(target, mediaType, "by address; give it as data");
  return data;
}
