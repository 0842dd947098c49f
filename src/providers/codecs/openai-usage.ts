import type { JsonObject } from "../../base/index.ts";
import { readCount, readObject } from "../transport/decoder.ts";
import type { Usage } from "../usage.ts";

/** Is what a provider has said about tokens, without how much it can be trusted. */
export type Counts = Omit<Usage, "provenance">;

/**
 * Reads a usage record of OpenAI's formats. `before` is what an earlier record of the same answer said.
 *
 * OpenAI counts cached tokens as part of the input and reasoning as part of the output. Servers that count them beside are
 * known by their numbers: the total, an input that is smaller than its cached part, or one that shrinks by just that part.
 * A record of nothing but zeros says nothing.
 */
export function readOpenAiUsage(record: JsonObject | undefined, before?: Counts): Counts | undefined {
  if (record === undefined) return undefined;
  const input = readCount(record, "prompt_tokens") ?? readCount(record, "input_tokens");
  const output = readCount(record, "completion_tokens") ?? readCount(record, "output_tokens");
  if (!input && !output) return undefined;
  const inputDetails = readObject(record, "prompt_tokens_details") ?? readObject(record, "input_tokens_details");
  const outputDetails = readObject(record, "completion_tokens_details") ?? readObject(record, "output_tokens_details");
  const cached = readCount(inputDetails, "cached_tokens") ?? readCount(record, "prompt_cache_hit_tokens");
  const written = readCount(inputDetails, "cache_write_tokens");
  const reasoning = readCount(outputDetails, "reasoning_tokens");
  const total = readCount(record, "total_tokens");
  return {
    inputTokens: (input ?? 0) + besideInput({ input: input ?? 0, output: output ?? 0, cached, total }, before),
    outputTokens: (output ?? 0) + besideOutput({ input: input ?? 0, output: output ?? 0, reasoning, total }),
    ...(cached !== undefined && { cachedInputTokens: cached }),
    ...(written !== undefined && { cacheWriteTokens: written }),
    ...(reasoning !== undefined && { reasoningTokens: reasoning }),
  };
}

interface Sums {
  readonly input: number;
  readonly output: number;
  readonly total: number | undefined;
}

function besideInput(
  { input, output, cached = 0, total }: Sums & { readonly cached: number | undefined },
  before: Counts | undefined,
): number {
  if (cached === 0) return 0;
  const told = cached > input || total === input + cached + output;
  const shrunk = before?.cachedInputTokens === cached && before.inputTokens === input + cached;
  return told || shrunk ? cached : 0;
}

function besideOutput({ input, output, reasoning = 0, total }: Sums & { readonly reasoning: number | undefined }) {
  return reasoning > 0 && (reasoning > output || total === input + output + reasoning) ? reasoning : 0;
}
