import type { ModelRequest } from "../model.ts";

/** Is about the length of a token in the languages and encodings that models use most. */
const charsPerToken = 4;

/**
 * Estimates the tokens of a prompt from its texts and tools; images count for nothing.
 *
 * Cost: one pass over the request, which writes its tools and the data of its tool calls as JSON.
 */
export function promptTokens({ messages, tools = [] }: ModelRequest): number {
  let chars = 0;
  for (const { content } of messages) {
    for (const part of content) {
      if (part.type === "text") chars += part.text.length;
      else if (part.type === "tool.call") chars += part.name.length + JSON.stringify(part.input).length;
      else if (part.type === "tool.result") chars += lengthOf(part.output);
    }
  }
  for (const tool of tools) {
    chars += tool.name.length + tool.description.length + JSON.stringify(tool.inputSchema).length;
  }
  return Math.ceil(chars / charsPerToken);
}

function lengthOf(output: unknown): number {
  return typeof output === "string" ? output.length : JSON.stringify(output).length;
}
