import type { KeyWire } from "../transport/http-link.ts";
import type { EmbeddingWire } from "./embedding-wire.ts";
import { readEmbeddingList } from "./openai-embeddings.ts";

interface Facts {
  readonly dimensions: number;
  readonly maxInputTokens: number;
}

/** What is known of the models by the beginning of their names. Source: the table of text embedding models of Voyage's documentation. */
const known: readonly (readonly [RegExp, Facts])[] = [
  [/^voyage-3-lite$/, { dimensions: 512, maxInputTokens: 32_000 }],
  [/^voyage-(3|3\.5|3-large|3\.5-lite)$/, { dimensions: 1024, maxInputTokens: 32_000 }],
  [/^voyage-code-3$/, { dimensions: 1024, maxInputTokens: 32_000 }],
  [/^voyage-(finance|multilingual)-2$/, { dimensions: 1024, maxInputTokens: 32_000 }],
  [/^voyage-law-2$/, { dimensions: 1024, maxInputTokens: 16_000 }],
];

function factsOf(model: string): Facts | undefined {
  return known.find(([pattern]) => pattern.test(model))?.[1];
}

/**
 * Translates Voyage's interface for embeddings, which tells questions from documents.
 *
 * Errors: a text that is longer than the model reads is refused (`truncation: false`) instead of cut.
 * Source: `POST /v1/embeddings` of Voyage's API reference: at most 1,000 texts
 * (128 with older models) and 120,000 tokens with the largest models.
 */
export const voyageEmbeddings: EmbeddingWire & KeyWire = {
  keyRequired: true,
  headers: (key): Readonly<Record<string, string>> => (key === undefined ? {} : { authorization: `Bearer ${key}` }),
  path: "/embeddings",
  maxBatch: 128,
  maxBatchChars: 100_000,
  maxInputTokens: (model) => factsOf(model)?.maxInputTokens ?? null,
  dimensions: (model) => factsOf(model)?.dimensions ?? null,
  body: (model, texts, purpose) => ({
    model,
    input: [...texts],
    truncation: false,
    encoding_format: "base64",
    ...(purpose !== undefined && { input_type: purpose }),
  }),
  read: (answer) => readEmbeddingList(answer),
};
