/**
 * Counts the tokens of a call. `inputTokens` includes what came from or went into a prompt cache; `outputTokens` includes reasoning.
 *
 * `provenance` says how they are known: `reported` by the provider at the end, `partial` when its last report came before
 * the end, `estimated` by Atlas.
 */
export type Usage = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  readonly cacheWriteTokens?: number;
  /** Of `cacheWriteTokens`, those that are kept for a long time (an hour), which some providers charge more for. */
  readonly longCacheWriteTokens?: number;
  readonly reasoningTokens?: number;
  readonly provenance: "reported" | "partial" | "estimated";
};
