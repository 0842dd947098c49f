import type { Model } from "../model.ts";
import type { PricedCall, Prices } from "./price.ts";

/** Is what of a model decides its price. */
export type PricedModel = Pick<Model, "provider" | "name" | "capabilities">;

/**
 * Gives what a call of a model cost: 0 for a model that costs nothing, unless the configuration gives it a price; null
 * where no price is known. Units: millionths of a US dollar; `atMs` since the Unix epoch, now by default.
 */
export function costOf(
  prices: Prices,
  { provider, name, capabilities }: PricedModel,
  call: Pick<PricedCall, "usage" | "atMs">,
): number | null {
  return prices.costMicroUsd({ provider, model: name, ...call, free: capabilities.cost === "free" });
}
