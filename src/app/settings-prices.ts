import type { ModelPrice, Prices } from "../providers/index.ts";
import type { Settings } from "./settings-shape.ts";

/** Loads the price table with the prices of the settings over it. */
export async function loadSettingsPrices({ providers }: Settings): Promise<Prices> {
  const overrides: Record<string, ModelPrice> = {};
  for (const [provider, { prices = {} }] of Object.entries(providers)) {
    for (const [model, price] of Object.entries(prices)) overrides[`${provider}/${model}`] = price;
  }
  const { loadPrices } = await import("../providers/adapters/genai-prices.ts");
  return await loadPrices({ overrides });
}
