import type { Model, Usage } from "../providers/index.ts";

const rank = { reported: 0, partial: 1, estimated: 2 } as const;

/** Is the usage of nothing. */
export const noUsage: Usage = { inputTokens: 0, outputTokens: 0, provenance: "reported" };

/** Adds two usages; the sum is only as sure as the less sure of the two. */
export function addUsage(a: Usage, b: Usage): Usage {
  const optional = (key: "cachedInputTokens" | "cacheWriteTokens" | "reasoningTokens") =>
    a[key] === undefined && b[key] === undefined ? {} : { [key]: (a[key] ?? 0) + (b[key] ?? 0) };
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    ...optional("cachedInputTokens"),
    ...optional("cacheWriteTokens"),
    ...optional("reasoningTokens"),
    provenance: rank[a.provenance] >= rank[b.provenance] ? a.provenance : b.provenance,
  };
}

/** Tells what a usage cost: 0 for models that cost nothing, null where no price is known. Units: millionths of a US dollar. */
export function costOf(model: Model): number | null {
  return model.capabilities.cost === "free" ? 0 : null;
}
