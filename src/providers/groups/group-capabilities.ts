import type { Model, ModelCapabilities } from "../model.ts";

/**
 * Tells what a group can do: what any of its members can, as each call goes only to members that can take it; but the least
 * of what the reader must be able to rely on in the middle of an answer.
 */
export function groupCapabilities(models: readonly Model[]): ModelCapabilities {
  const all = models.map((model) => model.capabilities);
  const caching = all.map((each) => each.promptCaching);
  return {
    contextTokens: largest(all.map((each) => each.contextTokens)),
    maxOutputTokens: largest(all.map((each) => each.maxOutputTokens)),
    tools: all.some((each) => each.tools === "parallel")
      ? "parallel"
      : all.some((each) => each.tools === "single")
        ? "single"
        : "none",
    structuredOutput: all.some((each) => each.structuredOutput === "native") ? "native" : "none",
    files: [...new Set(all.flatMap((each) => each.files))],
    reasoning: all.some((each) => each.reasoning),
    prefill: all.every((each) => each.prefill),
    // Marks do no harm where they are not needed.
    promptCaching: caching.includes("marked") ? "marked" : caching.includes("automatic") ? "automatic" : "none",
    pauseEffect: all.every((each) => each.pauseEffect === "generation") ? "generation" : "delivery",
    cost: all.some((each) => each.cost === "metered") ? "metered" : "free",
  };
}

/** One that is not known may be larger than all that are. */
function largest(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : Math.max(...values.map((value) => value ?? 0));
}
