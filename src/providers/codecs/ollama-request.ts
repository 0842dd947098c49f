import type { JsonObject } from "../../base/index.ts";
import type { Message } from "../message.ts";
import { textOf } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { toolText } from "./tool-text.ts";

/**
 * Writes a call as the body of Ollama's native chat. Units: `contextTokens` tokens. It is always sent, because a server that
 * is not told falls back to a small context and cuts the conversation without a word.
 */
export function ollamaRequest(model: string, request: ModelRequest, contextTokens: number): JsonObject {
  const { tools = [], toolChoice, responseFormat, maxOutputTokens, temperature, stopSequences, seed } = request;
  return {
    model,
    messages: request.messages.flatMap(writeMessage),
    stream: true,
    // Ollama has no tool choice; leaving the tools out is the only way to forbid them.
    ...(tools.length > 0 &&
      toolChoice !== "none" && {
        tools: tools.map(({ name, description, inputSchema }) => ({
          type: "function",
          function: { name, description, parameters: inputSchema },
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

function writeMessage(message: Message): readonly JsonObject[] {
  if (message.role === "tool") {
    return message.content.map((part) => ({
      role: "tool",
      tool_name: part.name,
      content: part.failed === true ? JSON.stringify({ error: part.output }) : toolText(part.output),
    }));
  }
  const content = textOf(message);
  if (message.role === "user") {
    const images = message.content.flatMap((part) => (part.type === "file" && part.data ? [part.data] : []));
    return [{ role: "user", content, ...(images.length > 0 && { images }) }];
  }
  if (message.role === "system") return [{ role: "system", content }];
  const calls = message.content.flatMap((part) =>
    part.type === "tool.call" ? [{ function: { name: part.name, arguments: part.input } }] : [],
  );
  return [{ role: "assistant", content, ...(calls.length > 0 && { tool_calls: calls }) }];
}
