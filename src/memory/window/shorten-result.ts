import type { JsonValue } from "../../base/index.ts";
import type { ToolResultPart } from "../../providers/index.ts";
import { estimateTokens, readPassages } from "../../providers/index.ts";

/** Is a result of a tool as a model is shown it. Units: tokens, as estimated. */
export interface ShortenedResult {
  readonly part: ToolResultPart;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
}

/**
 * Shortens a result that is too large: passages of documents are left out from the last, of anything else the beginning and the end
 * stay, and a note says how much there was. Undefined when it is not too large.
 *
 * Units: `maxTokens` tokens, as estimated.
 */
export function shortenResult(part: ToolResultPart, maxTokens: number): ShortenedResult | undefined {
  const text = typeof part.output === "string" ? part.output : JSON.stringify(part.output);
  // No text has more tokens than characters: most results need no counting.
  if (text.length <= maxTokens) return undefined;
  const tokensBefore = estimateTokens(text);
  if (tokensBefore <= maxTokens) return undefined;
  const output = fewerPassages(part.output, maxTokens) ?? endsOf(text, tokensBefore, maxTokens);
  const shown = typeof output === "string" ? output : JSON.stringify(output);
  return { part: { ...part, output }, tokensBefore, tokensAfter: estimateTokens(shown) };
}

function fewerPassages(output: JsonValue, maxTokens: number): JsonValue | undefined {
  const passages = readPassages(output);
  if (passages === undefined || passages.length < 2) return undefined;
  const kept: (typeof passages)[number][] = [];
  let left = maxTokens - noteTokens;
  for (const passage of passages) {
    left -= estimateTokens(JSON.stringify(passage));
    if (left < 0) break;
    kept.push(passage);
  }
  if (kept.length === 0) return undefined;
  const note = `${passages.length - kept.length} of ${passages.length} passages are left out here; search for less at once.`;
  return { passages: kept, note };
}

const noteTokens = 48;

function endsOf(text: string, tokens: number, maxTokens: number): string {
  const share = Math.max(0, maxTokens - noteTokens) / tokens;
  const room = Math.floor(text.length * share);
  const head = whole(text.slice(0, Math.floor(room * 0.75)));
  const tail = room === 0 ? "" : whole(text.slice(text.length - Math.floor(room * 0.25)));
  return `${head}\n[… shortened: ${text.length - head.length - tail.length} of ${text.length} characters are left out here; the whole is in the log of the run …]\n${tail}`;
}

/** Cuts no character in half. */
function whole(text: string): string {
  return text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, "");
}
