import type * as library from "@pydantic/genai-prices";
import type { ModelPrice as TablePrice, PriceCalculation, Provider as TableProvider } from "@pydantic/genai-prices";
import type { PricedCall, Prices } from "../money/price.ts";
import { createPrices, type PriceOptions, type PriceTable } from "../money/prices.ts";

type Library = Pick<typeof library, "calcPrice" | "findProvider">;

const version = "genai-prices 0.1.8 (2026-09-23)";

/** The table's names for providers that Atlas calls otherwise. Those that are not in the table at all have no price. */
const tableNames: Readonly<Record<string, string>> = {
  gemini: "google",
  vertex: "google",
  bedrock: "aws",
  xai: "x-ai",
  grok: "x-ai",
  moonshot: "moonshotai",
  kimi: "moonshotai",
  voyage: "voyageai",
  "fireworks-ai": "fireworks",
  "together-ai": "together",
  togetherai: "together",
};

/** As many models as a process calls; each holds one entry of the table. */
const maxKnown = 500;

/**
 * Loads the table of prices that comes with the package; nothing is ever fetched.
 *
 * Errors: invalid_input for an override that is no price.
 * Cost: about 20 ms and 5 MB once; then about 5 µs a call.
 * Source: @pydantic/genai-prices, which is dated: prices that changed are by the time of the call.
 */
export async function loadPrices(options: PriceOptions = {}): Promise<Prices> {
  return createPrices(tableOf(await import("@pydantic/genai-prices")), options);
}

function tableOf(source: Library): PriceTable {
  // The table is searched once for each model: what is kept is a table with that model alone.
  const known = new Map<string, TableProvider | null>();
  const find = (provider: string, model: string): TableProvider | null => {
    const key = `${provider}/${model}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= maxKnown) known.clear();
    const made = findModel(source, provider, model);
    known.set(key, made);
    return made;
  };
  return {
    version,
    costUsd({ provider, model, usage }, atMs) {
      const entry = find(provider, model);
      if (entry === null) return null;
      const options = { provider: entry, timestamp: new Date(atMs) };
      const priced = source.calcPrice(tableUsage(usage), model, options);
      return priced === null || !isPriced(priced) ? null : priced.total_price;
    },
  };
}

/** A provider is found by its name alone, not by what its name looks like: an endpoint called my-openai has its own prices. */
function findModel(source: Library, name: string, model: string): TableProvider | null {
  const id = tableNames[name] ?? name;
  const provider = source.findProvider({ providerId: id });
  if (provider?.id !== id) return null;
  const found = source.calcPrice({ input_tokens: 0, output_tokens: 0 }, model, { providerId: id });
  return found === null ? null : { ...provider, models: [found.model] };
}

/** An entry without prices is of a model whose price is unknown, unless its name says that it is free. */
function isPriced({ model, model_price: price }: PriceCalculation): boolean {
  return hasTokenPrice(price) || (Object.keys(price).length === 0 && model.id.endsWith(":free"));
}

function hasTokenPrice(price: TablePrice): boolean {
  return price["input_mtok"] !== undefined || price["output_mtok"] !== undefined;
}

function tableUsage(usage: PricedCall["usage"]): Record<string, number> {
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage;
  const { longCacheWriteTokens = 0, reasoningTokens = 0 } = usage;
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    ...(cachedInputTokens > 0 && { cache_read_tokens: cachedInputTokens }),
    ...(cacheWriteTokens > 0 && { cache_write_tokens: cacheWriteTokens }),
    ...(longCacheWriteTokens > 0 && { cache_write_1h_tokens: longCacheWriteTokens }),
    ...(reasoningTokens > 0 && { output_reasoning_tokens: reasoningTokens }),
  };
}
