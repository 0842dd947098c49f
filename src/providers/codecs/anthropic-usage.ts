import type { JsonObject } from "../../base/index.ts";
import { readCount, readObject } from "../transport/decoder.ts";
import type { Counts } from "./openai-usage.ts";

/** Adds up the usage records of one answer of Anthropic's. */
export interface AnthropicUsage {
  /** Takes a record; false when it says nothing. */
  add(record: JsonObject | undefined): boolean;
  readonly counts: Counts | undefined;
}

/**
 * Makes the adder. Anthropic counts what came from or went into its cache beside the input; Atlas counts it in it.
 *
 * Counts are cumulative, and a later record names only what changed: null and what is missing say nothing. Servers that imitate
 * the format count the cached tokens as part of the input in one record and beside it in the other: they are known because the
 * input of one is the sum of the other.
 */
export function anthropicUsage(): AnthropicUsage {
  let input: number | undefined;
  let cached: number | undefined;
  let written: number | undefined;
  let longWritten: number | undefined;
  let output: number | undefined;
  let reasoning: number | undefined;

  const addInput = (told: number, { besideBefore, besideNow }: { besideBefore: number; besideNow: number }): void => {
    const beside = (cached ?? 0) + (written ?? 0);
    const restates = besideBefore > 0 && told === (input ?? 0) + besideBefore && told >= beside;
    if (restates) input = told - beside;
    else if (told > 0 || besideNow > 0 || input === undefined) input = told;
  };
  return {
    add(record) {
      if (record === undefined) return false;
      const told = readCount(record, "input_tokens");
      const read = readCount(record, "cache_read_input_tokens");
      const made = readCount(record, "cache_creation_input_tokens");
      const said = readCount(record, "output_tokens");
      const besideBefore = (cached ?? 0) + (written ?? 0);
      cached = read ?? cached;
      written = made ?? written;
      longWritten = readCount(readObject(record, "cache_creation"), "ephemeral_1h_input_tokens") ?? longWritten;
      if (told !== undefined) addInput(told, { besideBefore, besideNow: (read ?? 0) + (made ?? 0) });
      // The output only grows; a zero in a later record says nothing.
      if (said !== undefined) output = said || (output ?? 0);
      reasoning = readCount(readObject(record, "output_tokens_details"), "thinking_tokens") ?? reasoning;
      return (told ?? 0) + (read ?? 0) + (made ?? 0) + (said ?? 0) > 0;
    },
    get counts() {
      const inputTokens = (input ?? 0) + (cached ?? 0) + (written ?? 0);
      if (inputTokens === 0 && !output) return undefined;
      return {
        inputTokens,
        outputTokens: output ?? 0,
        ...(cached !== undefined && { cachedInputTokens: cached }),
        ...(written !== undefined && { cacheWriteTokens: written }),
        ...(longWritten && { longCacheWriteTokens: longWritten }),
        ...(reasoning !== undefined && { reasoningTokens: reasoning }),
      };
    },
  };
}
