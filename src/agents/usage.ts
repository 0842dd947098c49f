import type { Usage } from "../providers/index.ts";

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

/** Adds what two calls cost; a sum with an unknown part is unknown. Units: millionths of a US dollar, null where no price is known. */
export function addCost(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}
