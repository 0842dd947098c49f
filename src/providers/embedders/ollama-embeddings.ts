import type { JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { readCount } from "../transport/decoder.ts";
import type { EmbeddingWire } from "./embedding-wire.ts";
import { readVector } from "./vectors.ts";

/**
 * What models want before a text, by the beginning of their names. Without it they find worse, and say nothing.
 * Source: the model cards of nomic-embed-text, mxbai-embed-large and embeddinggemma.
 */
const prefixes: readonly (readonly [RegExp, { readonly query: string; readonly document: string }])[] = [
  [/^nomic-embed-text/, { query: "search_query: ", document: "search_document: " }],
  [/^mxbai-embed-large/, { query: "Represent this sentence for searching relevant passages: ", document: "" }],
  [/^embeddinggemma/, { query: "task: search result | query: ", document: "title: none | text: " }],
];

/**
 * Makes the translation of Ollama's native interface for embeddings. Units: `contextTokens` tokens, sent with every request.
 *
 * Errors: a text that is longer than the context is refused (`truncate: false`); Ollama would else cut it without a word.
 * Source: `POST /api/embed` of Ollama's API documentation.
 */
export function ollamaEmbeddings(contextTokens: number): EmbeddingWire {
  return {
    path: "/api/embed",
    maxBatch: 64,
    maxBatchChars: 1_000_000,
    maxInputTokens: () => contextTokens,
    dimensions: () => null,
    body(model, texts, purpose) {
      const bare = model.slice(model.lastIndexOf("/") + 1);
      const known = prefixes.find(([pattern]) => pattern.test(bare))?.[1];
      const prefix = purpose === undefined ? "" : (known?.[purpose] ?? "");
      const input = texts.map((text) => `${prefix}${text}`);
      return { model, input, truncate: false, options: { num_ctx: contextTokens } };
    },
    read(answer) {
      const list = isJsonObject(answer) ? answer["embeddings"] : undefined;
      if (!isJsonObject(answer) || !Array.isArray(list)) return undefined;
      const vectors = list.flatMap((item: JsonValue) => readVector(item) ?? []);
      return vectors.length === list.length
        ? { vectors, inputTokens: readCount(answer, "prompt_eval_count") }
        : undefined;
    },
  };
}
