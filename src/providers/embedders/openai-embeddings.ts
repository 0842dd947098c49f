import type { JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { readCount, readObject } from "../transport/decoder.ts";
import type { EmbeddingAnswer, EmbeddingWire } from "./embedding-wire.ts";
import { readVector } from "./vectors.ts";

/** How long the vectors of OpenAI's own models are. Source: the model pages of OpenAI's documentation. */
const dimensions: ReadonlyMap<string, number> = new Map([
  ["text-embedding-3-small", 1536],
  ["text-embedding-3-large", 3072],
  ["text-embedding-ada-002", 1536],
]);

/**
 * Translates OpenAI's interface for embeddings, which most compatible servers share.
 *
 * Cost: vectors are asked for as base64, a quarter of the bytes of numbers and far quicker to read; numbers are read too.
 * Source: `POST /embeddings` of OpenAI's API reference: at most 2,048 texts and 300,000 tokens in one request.
 */
export const openaiEmbeddings: EmbeddingWire = {
  path: "/embeddings",
  maxBatch: 128,
  // No token is shorter than a character in the languages that need the most tokens, so this keeps within 300,000 tokens.
  maxBatchChars: 250_000,
  maxInputTokens: (model) => (dimensions.has(model) ? 8_192 : null),
  dimensions: (model) => dimensions.get(model) ?? null,
  body: (model, texts) => ({ model, input: [...texts], encoding_format: "base64" }),
  read: (answer) => readEmbeddingList(answer),
};

/** Reads a list of `{ index, embedding }` with its usage, in the order of the indexes. Source: the `embedding` object of OpenAI's API. */
export function readEmbeddingList(answer: JsonValue): EmbeddingAnswer | undefined {
  const data = isJsonObject(answer) ? answer["data"] : undefined;
  if (!isJsonObject(answer) || !Array.isArray(data)) return undefined;
  const vectors: Float32Array[] = [];
  for (const [place, item] of data.entries()) {
    if (!isJsonObject(item)) return undefined;
    const index = readCount(item, "index") ?? place;
    const vector = readVector(item["embedding"]);
    // An index twice, or one beyond the list, would lose a text without a word.
    if (vector === undefined || index >= data.length || vectors[index] !== undefined) return undefined;
    vectors[index] = vector;
  }
  const usage = readObject(answer, "usage");
  return { vectors, inputTokens: readCount(usage, "prompt_tokens") ?? readCount(usage, "total_tokens") };
}
