import type { GateNeed } from "../resilience/gate.ts";
import type { Message, ToolCallPart, ToolDefinition, ToolResultPart } from "../message.ts";
import type { Model, ModelRequest } from "../model.ts";

/** Is a count of tokens. `exact` is true where the model's own tokenizer counted them, false for an estimate. */
export interface TokenCount {
  readonly tokens: number;
  readonly exact: boolean;
}

/** Counts the tokens of texts as models do. Sync: making it is what loads its tables. */
export interface Tokenizer {
  /** Gives the tokens of a text; null for a model whose tokenizer it does not have. */
  count(text: string, model: string): number | null;
}

/** Are the options of `countTokens`. Without a model or a tokenizer that knows it, the count is an estimate. */
export interface CountOptions {
  readonly model?: string | undefined;
  readonly tokenizer?: Tokenizer | undefined;
}

/**
 * Is what a call needs, for gates and budgets. `bounded` says that `maxOutputTokens` was asked of the provider as a bound;
 * otherwise it is only what is set aside at first.
 */
export interface CallNeed extends GateNeed {
  readonly bounded: boolean;
}

/** Is what is set aside for an answer whose length nobody bounds; more is set aside while it streams. Units: tokens. */
export const unboundedOutputTokens = 1_024;

/*
 * What is beside the text, in tokens. A message is framed by its role and two marks; an image costs about what providers
 * charge for one of a megapixel.
 */
const perRequest = 3;
const perMessage = 4;
const perToolOrCall = 8;
const perImage = 1_600;
/** Documents hold images, fonts and compressed text: a token for each 16 bytes is more than most need. */
const bytesPerFileToken = 16;

/**
 * Counts the tokens of a text or of a whole request: messages, tools, files, the form of the answer.
 *
 * A text is counted exactly where the tokenizer knows the model. A request never is: how its parts are framed is the
 * provider's affair, and only the provider's report at the end is exact.
 * Cost: one pass over the text; about 1 ms for a million characters when estimated.
 */
export function countTokens(what: string | ModelRequest, options: CountOptions = {}): TokenCount {
  const count = counterOf(options);
  if (typeof what === "string") return count(what);
  let tokens = perRequest;
  for (const message of what.messages) tokens += perMessage + tokensOfMessage(message, count);
  for (const tool of what.tools ?? []) tokens += perToolOrCall + count(textOfTool(tool)).tokens;
  if (what.responseFormat !== undefined) tokens += count(JSON.stringify(what.responseFormat.schema)).tokens;
  return { tokens, exact: false };
}

/**
 * Estimates what a call will need: its input, and the most that its answer can be where the request bounds it.
 */
export function estimateNeed(
  request: ModelRequest,
  model: Pick<Model, "name" | "capabilities">,
  tokenizer?: Tokenizer,
): CallNeed {
  const { tokens } = countTokens(request, { model: model.name, tokenizer });
  const most = model.capabilities.maxOutputTokens ?? Infinity;
  const asked = request.maxOutputTokens;
  return {
    inputTokens: tokens,
    maxOutputTokens: Math.min(asked ?? unboundedOutputTokens, most),
    bounded: asked !== undefined,
  };
}

/**
 * Estimates the tokens of a text by its script: one for each character of Chinese, Japanese or Korean, one for four letters
 * of Latin, one for two of any other alphabet.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(quartersOf(text) / 4);
}

/** Gives the estimate of a text in quarters of a token, so that pieces add up to what the whole is. */
export function quartersOf(text: string): number {
  let quarters = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x250) quarters += 1;
    else if (unit < 0x2e80) quarters += 2;
    else quarters += 4;
  }
  return quarters;
}

function counterOf({ model, tokenizer }: CountOptions): (text: string) => TokenCount {
  return (text) => {
    const exact = model === undefined ? null : (tokenizer?.count(text, model) ?? null);
    return exact === null ? { tokens: estimateTokens(text), exact: false } : { tokens: exact, exact: true };
  };
}

function tokensOfMessage(message: Message, count: (text: string) => TokenCount): number {
  let tokens = 0;
  for (const part of message.content) {
    if (part.type === "file") tokens += tokensOfFile(part.mediaType, part.data);
    else if (part.type === "text" || part.type === "reasoning") tokens += count(part.text).tokens;
    else tokens += perToolOrCall + count(textOfCall(part)).tokens;
  }
  return tokens;
}

function textOfCall(part: ToolCallPart | ToolResultPart): string {
  if (part.type === "tool.call") return part.name + JSON.stringify(part.input);
  return typeof part.output === "string" ? part.output : JSON.stringify(part.output);
}

function tokensOfFile(mediaType: string, base64: string | undefined): number {
  if (mediaType.startsWith("image/") || base64 === undefined) return perImage;
  const bytes = (base64.length * 3) / 4;
  if (mediaType.startsWith("text/")) return Math.ceil(bytes / 4);
  return Math.max(perImage, Math.ceil(bytes / bytesPerFileToken));
}

function textOfTool({ name, description, inputSchema }: ToolDefinition): string {
  return `${name} ${description} ${JSON.stringify(inputSchema)}`;
}
