import type { Model } from "../providers/index.ts";

/** Is a way to break a model on purpose, and the cases of the model contract that must notice it. */
export interface BrokenModel {
  readonly name: string;
  readonly wrap: (sound: Model) => Model;
  readonly noticedBy: readonly string[];
}

/** Holds the models that the contract must refuse. */
export const brokenModels: readonly BrokenModel[] = [
  {
    name: "swallows the abort",
    wrap: (sound) => ({ ...sound, stream: (request) => sound.stream(request) }),
    noticedBy: ["a signal that has aborted stops the call before it starts"],
  },
  {
    name: "loses the finish",
    wrap: (sound) => ({
      ...sound,
      async *stream(request, options) {
        for await (const part of sound.stream(request, options)) if (part.type !== "response.finished") yield part;
      },
    }),
    noticedBy: [
      "a stream starts once, then tells, then finishes once and last",
      "a finished answer says why it stopped and what it cost",
    ],
  },
  {
    name: "ends a truncated answer without an error",
    wrap: (sound) => ({
      ...sound,
      async *stream(request, options) {
        try {
          yield* sound.stream(request, options);
        } catch {
          // This is what is broken.
        }
      },
    }),
    noticedBy: ["an answer that breaks off is an error that keeps what it cost"],
  },
  {
    name: "listens to the signal for ever",
    wrap: (sound) => ({
      ...sound,
      stream(request, options) {
        options?.signal?.addEventListener("abort", () => {});
        return sound.stream(request, options);
      },
    }),
    noticedBy: ["nothing stays on the signal after the call"],
  },
  {
    name: "mixes calls at the same time",
    wrap(sound) {
      let calls = 0;
      return {
        ...sound,
        async *stream(request, options) {
          calls++;
          for await (const part of sound.stream(request, options)) {
            yield part.type === "text.delta" && calls > 1 ? { ...part, text: `${part.text}${calls--}` } : part;
          }
        },
      };
    },
    noticedBy: ["calls at the same time do not mix"],
  },
];
