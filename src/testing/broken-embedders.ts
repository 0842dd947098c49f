import type { Embedder } from "../providers/index.ts";

/** Is a way to break an embedder on purpose, and the cases of the embedder contract that must notice it. */
export interface BrokenEmbedder {
  readonly name: string;
  readonly wrap: (sound: Embedder) => Embedder;
  readonly noticedBy: readonly string[];
}

function altered(sound: Embedder, embed: Embedder["embed"]): Embedder {
  const { provider, name, maxBatch, maxInputTokens } = sound;
  return {
    provider,
    name,
    maxBatch,
    maxInputTokens,
    get dimensions() {
      return sound.dimensions;
    },
    embed,
  };
}

/** Holds the embedders that the contract must refuse. */
export const brokenEmbedders: readonly BrokenEmbedder[] = [
  {
    name: "swaps the order",
    wrap: (sound) =>
      altered(sound, async (texts, options) => {
        const { vectors, usage } = await sound.embed(texts, options);
        return { vectors: vectors.toReversed(), usage };
      }),
    noticedBy: [
      "each text gets its own vector, in the order of the texts",
      "more texts than go into one request are split, and none is lost or moved",
    ],
  },
  {
    name: "gives vectors of any length",
    wrap: (sound) =>
      altered(sound, async (texts, options) => {
        const { vectors, usage } = await sound.embed(texts, options);
        return { vectors: vectors.map((vector) => vector.map((number) => number * 1.01)), usage };
      }),
    noticedBy: ["every vector has length 1"],
  },
  {
    name: "swallows the abort",
    wrap: (sound) => altered(sound, (texts, options) => sound.embed(texts, { purpose: options?.purpose })),
    noticedBy: ["a signal that has aborted stops it before it starts"],
  },
  {
    name: "loses a text of a large batch",
    wrap: (sound) =>
      altered(sound, async (texts, options) => {
        const { vectors, usage } = await sound.embed(texts, options);
        return { vectors: vectors.filter((_, index) => index !== sound.maxBatch), usage };
      }),
    noticedBy: ["more texts than go into one request are split, and none is lost or moved"],
  },
  {
    name: "cuts texts short",
    wrap: (sound) =>
      altered(sound, (texts, options) =>
        sound.embed(
          texts.map((text) => text.slice(0, 5)),
          options,
        ),
      ),
    noticedBy: ["each text gets its own vector, in the order of the texts"],
  },
  {
    name: "counts the tokens of the last request alone",
    wrap: (sound) =>
      altered(sound, async (texts, options) => {
        const { vectors, usage } = await sound.embed(texts, options);
        return { vectors, usage: { ...usage, inputTokens: Math.min(2, usage.inputTokens) } };
      }),
    noticedBy: ["the dimensions are known after the first answer, and the tokens of all requests are counted"],
  },
  {
    name: "listens to the signal for ever",
    wrap: (sound) =>
      altered(sound, (texts, options) => {
        options?.signal?.addEventListener("abort", () => {});
        return sound.embed(texts, options);
      }),
    noticedBy: ["nothing stays on the signal after the call"],
  },
  {
    name: "answers a missing vector with zeros",
    wrap: (sound) =>
      altered(sound, async (texts, options) => {
        try {
          return await sound.embed(texts, options);
        } catch {
          const vectors = texts.map(() => new Float32Array(8));
          return { vectors, usage: { inputTokens: 0, outputTokens: 0, provenance: "estimated" } };
        }
      }),
    noticedBy: [
      "an answer that is short is an error, not a vector",
      "a refusal has its code, its retry and whom it is from",
    ],
  },
];
