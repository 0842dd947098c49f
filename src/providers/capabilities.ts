import { factsOf, imageTypes } from "./capability-table/model-facts.ts";
import type { ModelCapabilities } from "./model.ts";

/** Is what a current model of a hosted provider can do when nothing more is known of it. */
export const hostedCapabilities: ModelCapabilities = {
  contextTokens: null,
  maxOutputTokens: null,
  tools: "parallel",
  structuredOutput: "native",
  files: imageTypes,
  reasoning: false,
  prefill: false,
  promptCaching: "automatic",
  pauseEffect: "delivery",
  cost: "metered",
};

/** Is what a current model of OpenAI can do when nothing more is known of it. */
export const openaiCapabilities: ModelCapabilities = {
  ...hostedCapabilities,
  files: [...imageTypes, "application/pdf"],
};

/** Is what a model of a local server can do when nothing more is known of it. */
export const localCapabilities: ModelCapabilities = { ...hostedCapabilities, promptCaching: "none", cost: "free" };

/** Is what is known of families whose newest members, or oldest, the table may lack; the first match counts. */
const families: readonly (readonly [RegExp, Partial<ModelCapabilities>])[] = [
  [/^claude-3-haiku/, { contextTokens: 200_000, maxOutputTokens: 4_096, structuredOutput: "none", prefill: true }],
  [/^claude-3-5/, { contextTokens: 200_000, maxOutputTokens: 8_192, structuredOutput: "none", prefill: true }],
  [
    /^claude-/,
    { contextTokens: 200_000, files: [...imageTypes, "application/pdf"], reasoning: true, promptCaching: "marked" },
  ],
  [/^gpt-[5-9]/, { contextTokens: 400_000, maxOutputTokens: 128_000, reasoning: true }],
  [/^o\d/, { contextTokens: 200_000, maxOutputTokens: 100_000, reasoning: true }],
];

/** Finds what a model can do by its name, on top of what its provider's models can do at least. */
export function capabilitiesOf(model: string, base: ModelCapabilities): ModelCapabilities {
  const bare = model.slice(model.lastIndexOf("/") + 1);
  const family = families.find(([pattern]) => pattern.test(bare))?.[1];
  return { ...base, ...family, ...factsOf(model)?.capabilities };
}
