import type { Tokenizer } from "../money/tokens.ts";

type Encoding = "o200k_base" | "cl100k_base";

/*
 * Names of OpenAI's models and of its open weights, by encoding; dates and sizes may follow. Others, of other providers,
 * have tokenizers of their own.
 */
const encodings: readonly (readonly [RegExp, Encoding])[] = [
  [/^(gpt-4o|gpt-4\.[15]|gpt-[5-9]|gpt-oss|chatgpt-4o|o\d|codex-mini)/, "o200k_base"],
  [/^(gpt-4|gpt-3\.5|text-embedding-(3|ada-002))/, "cl100k_base"],
];

/**
 * Loads the tokenizer of OpenAI's models; undefined where the optional package gpt-tokenizer is not installed.
 *
 * Cost: about 200 ms and 60 MB once; then about 4 million tokens a second.
 */
export async function loadTokenizer(): Promise<Tokenizer | undefined> {
  try {
    const [newer, older] = await Promise.all([
      import("gpt-tokenizer/encoding/o200k_base"),
      import("gpt-tokenizer/encoding/cl100k_base"),
    ]);
    const counters = { o200k_base: newer.countTokens, cl100k_base: older.countTokens };
    return {
      count(text, model) {
        const encoding = encodingOf(model);
        // A text that names a special token is text all the same.
        return encoding === undefined ? null : counters[encoding](text, { disallowedSpecial: new Set() });
      },
    };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function encodingOf(model: string): Encoding | undefined {
  const bare = model.slice(model.lastIndexOf("/") + 1);
  return encodings.find(([pattern]) => pattern.test(bare))?.[1];
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
}
