import type { ModelRequest } from "../model.ts";

const piece = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{L}+|\p{N}+|[^\s\p{L}\p{N}]+/gu;
const perMessage = 4;

/** Estimates the tokens of a text as today's tokenisers cut it: common words whole, long ones and numbers in pieces. */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const [found] of text.matchAll(piece)) {
    if (/\p{L}/u.test(found)) tokens += found.length <= 7 ? 1 : Math.ceil(found.length / 5);
    else tokens += Math.ceil(found.length / (/\p{N}/u.test(found) ? 3 : 2));
  }
  return tokens;
}

/** Estimates what a request puts into a model: messages, tools and the asked-for form. */
export function estimateInput(request: ModelRequest): number {
  let tokens = 0;
  for (const message of request.messages) {
    tokens += perMessage;
    for (const part of message.content) {
      if (part.type === "text" || part.type === "reasoning") tokens += estimateTokens(part.text);
      if (part.type === "tool.call") tokens += estimateTokens(JSON.stringify(part.input));
      if (part.type === "tool.result") tokens += estimateTokens(JSON.stringify(part.output));
    }
  }
  for (const tool of request.tools ?? [])
    tokens += estimateTokens(tool.name + tool.description + JSON.stringify(tool.inputSchema));
  if (request.responseFormat) tokens += estimateTokens(JSON.stringify(request.responseFormat.schema));
  return tokens;
}
