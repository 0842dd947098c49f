import { isAtlasError, isJsonObject } from "../base/index.ts";

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

/** Is the usage of what was never sent. */
export const noUsage: Usage = { inputTokens: 0, outputTokens: 0, provenance: "estimated" };

const optionalCounts = ["cachedInputTokens", "cacheWriteTokens", "longCacheWriteTokens", "reasoningTokens"] as const;
const trust = ["estimated", "partial", "reported"] as const;

/** Adds usages up. The sum is known only as well as the worst known of those that counted something. */
export function sumUsage(usages: readonly Usage[]): Usage {
  const counted = usages.filter((usage) => usage.inputTokens + usage.outputTokens > 0);
  const [first = usages[0] ?? noUsage, ...others] = counted;
  return others.reduce((sum, usage) => {
    const total: { -readonly [Key in keyof Usage]: Usage[Key] } = {
      inputTokens: sum.inputTokens + usage.inputTokens,
      outputTokens: sum.outputTokens + usage.outputTokens,
      provenance: trust[Math.min(trust.indexOf(sum.provenance), trust.indexOf(usage.provenance))] ?? "estimated",
    };
    for (const key of optionalCounts) {
      if (sum[key] !== undefined || usage[key] !== undefined) total[key] = (sum[key] ?? 0) + (usage[key] ?? 0);
    }
    return total;
  }, first);
}

/** Reads from the error of a call what the answer had used until then; undefined where it tells nothing. */
export function partialUsageOf(error: unknown): Usage | undefined {
  const usage = isAtlasError(error) ? error.details["partialUsage"] : undefined;
  return isJsonObject(usage) && typeof usage["outputTokens"] === "number" ? (usage as Usage) : undefined;
}
