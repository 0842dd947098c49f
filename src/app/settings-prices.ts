import type { JsonObject } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";
import type { ModelPrice, Prices } from "../providers/index.ts";
import { appErrors } from "./errors.ts";
import type { Settings } from "./settings-shape.ts";

/** Loads the price table with the prices of the settings over it. Errors: settings_invalid for a price that is none. */
export async function loadSettingsPrices({ providers }: Settings): Promise<Prices> {
  const overrides: Record<string, ModelPrice> = {};
  for (const [provider, { prices = {} }] of Object.entries(providers)) {
    for (const [model, price] of Object.entries(prices)) {
      overrides[`${provider}/${model}`] = priceOf(price, `providers.${provider}.prices.${model}`);
    }
  }
  const { loadPrices } = await import("../providers/adapters/genai-prices.ts");
  return await loadPrices({ overrides });
}

const optional = ["cachedInputPerMillion", "cacheWritePerMillion"] as const;

function priceOf(value: JsonObject[string] | undefined, key: string): ModelPrice {
  const given = value !== undefined && isJsonObject(value) ? value : {};
  const read = (name: string): number => {
    const price = given[name];
    if (typeof price === "number" && price >= 0) return price;
    throw appErrors.create(
      "settings_invalid",
      `Setting ${key}.${name}: expected US dollars for a million tokens, a number of at least 0.`,
      { details: { key } },
    );
  };
  return {
    inputPerMillion: read("inputPerMillion"),
    outputPerMillion: read("outputPerMillion"),
    ...Object.fromEntries(optional.filter((name) => given[name] !== undefined).map((name) => [name, read(name)])),
  };
}
