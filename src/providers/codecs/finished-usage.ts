import type { Usage } from "../usage.ts";

/**
 * Makes the usage of a finished answer from what the provider has said. Without a word from it the estimate takes its place;
 * a last word that came before the end of the answer (`final` is false) is a partial one.
 */
export function finishedUsage(counts: Omit<Usage, "provenance"> | undefined, final: boolean): Usage {
  if (counts === undefined) return { inputTokens: 0, outputTokens: 0, provenance: "estimated" };
  return { ...counts, provenance: final ? "reported" : "partial" };
}
