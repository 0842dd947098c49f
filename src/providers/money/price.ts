import type { Usage } from "../usage.ts";

/**
 * Prices calls of models, by a dated table. Sync and without I/O: making it is what loads the table.
 *
 * Units: millionths of a US dollar. `null` where no price is known, which is never 0; 0 is for what costs nothing.
 */
export interface Prices {
  /** Names the table and its date, such as `genai-prices 0.1.8 (2026-11-01)`. */
  readonly version: string;
  /** Gives what a usage cost; cached tokens are priced exactly once. Units: `atMs` since the Unix epoch, now by default. */
  costMicroUsd(call: PricedCall): number | null;
}

/** Is what is priced. `free` is a model that costs nothing unless the configuration gives it a price. */
export interface PricedCall {
  readonly provider: string;
  readonly model: string;
  readonly usage: Pick<
    Usage,
    | "inputTokens"
    | "outputTokens"
    | "cachedInputTokens"
    | "cacheWriteTokens"
    | "longCacheWriteTokens"
    | "reasoningTokens"
  >;
  readonly atMs?: number;
  readonly free?: boolean;
}
