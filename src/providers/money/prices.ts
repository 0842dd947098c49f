import { baseErrors, type Clock, systemClock } from "../../base/index.ts";
import type { PricedCall, Prices } from "./price.ts";

/** Is a price from the configuration. Units: US dollars for a million tokens; cached tokens cost as other input unless they have a price. */
export interface ModelPrice {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
  readonly cachedInputPerMillion?: number | undefined;
  readonly cacheWritePerMillion?: number | undefined;
}

/** Is a table of prices, as an adapter reads it. */
export interface PriceTable {
  /** Names the table and its date. */
  readonly version: string;
  /** Gives what a call cost, unrounded; null where the table has no price. Units: US dollars; `atMs` since the Unix epoch. */
  costUsd(call: Omit<PricedCall, "free" | "atMs">, atMs: number): number | null;
}

/** Are the options of `createPrices`. `overrides` are by `provider/model` and go before the table. */
export interface PriceOptions {
  readonly overrides?: Readonly<Record<string, ModelPrice>> | undefined;
  readonly clock?: Clock | undefined;
}

/** Is the table that knows no price, for who sets all prices in the options. */
export const noPriceTable: PriceTable = { version: "none", costUsd: () => null };

const microsPerUsd = 1_000_000;

/**
 * Makes prices of a table and the prices of the configuration. A cost is rounded once, half up, when all of the call is added.
 *
 * Errors: invalid_input for a price that is no number from 0 on.
 */
export function createPrices(table: PriceTable, { overrides = {}, clock = systemClock }: PriceOptions = {}): Prices {
  for (const [name, price] of Object.entries(overrides)) checkPrice(name, price);
  return {
    version: table.version,
    costMicroUsd({ provider, model, usage, atMs = clock.now(), free = false }) {
      const key = `${provider}/${model}`;
      const own = Object.hasOwn(overrides, key) ? overrides[key] : undefined;
      const sound = soundUsage(usage);
      if (own !== undefined) return toMicros(costOfOwn(own, sound));
      if (free) return 0;
      const cost = table.costUsd({ provider, model, usage: sound }, atMs);
      return cost === null ? null : toMicros(cost);
    },
  };
}

/** Rounds US dollars to millionths, half up; what floating point takes from an exact half is given back first. */
export function toMicros(usd: number): number {
  const micros = usd * microsPerUsd;
  return Math.floor(micros + 0.5 + Math.abs(micros) * 1e-12);
}

/** Some servers report more cached tokens than input; the parts of a whole are never more than it. */
function soundUsage(usage: PricedCall["usage"]): PricedCall["usage"] {
  const { inputTokens, outputTokens } = usage;
  const cachedInputTokens = Math.min(usage.cachedInputTokens ?? 0, inputTokens);
  const cacheWriteTokens = Math.min(usage.cacheWriteTokens ?? 0, inputTokens - cachedInputTokens);
  const longCacheWriteTokens = Math.min(usage.longCacheWriteTokens ?? 0, cacheWriteTokens);
  const reasoningTokens = Math.min(usage.reasoningTokens ?? 0, outputTokens);
  return { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, longCacheWriteTokens, reasoningTokens };
}

function costOfOwn(price: ModelPrice, usage: PricedCall["usage"]): number {
  const { inputPerMillion, outputPerMillion } = price;
  const { cachedInputPerMillion = inputPerMillion, cacheWritePerMillion = inputPerMillion } = price;
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage;
  const micros =
    (inputTokens - cachedInputTokens - cacheWriteTokens) * inputPerMillion +
    cachedInputTokens * cachedInputPerMillion +
    cacheWriteTokens * cacheWritePerMillion +
    outputTokens * outputPerMillion;
  return micros / microsPerUsd;
}

function checkPrice(name: string, price: ModelPrice): void {
  for (const [key, value] of Object.entries(price)) {
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    throw baseErrors.create("invalid_input", `${key} of the price of ${name} must be a number from 0 on.`, {
      details: { model: name, key },
    });
  }
}
