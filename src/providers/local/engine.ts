import type { JsonObject } from "../../base/index.ts";
import type { Message } from "../message.ts";

/** Is a prompt as a model reads it. */
export interface LocalPrompt {
  readonly tokens: number;
  /** Texts that end an answer because the model's chat format ends a turn with them. */
  readonly stops: readonly string[];
  /** Tells that the answer goes on from a text, so that a space at its beginning belongs to it. */
  readonly continues: boolean;
  /** Generates as it is read: nothing is computed between two calls of `next`. */
  generate(choices: GenerateChoices): AsyncGenerator<GenerationStep, GenerationEnd, void>;
}

/** Are the choices of one generation. `temperature` 0 always takes the likeliest token. */
export interface GenerateChoices {
  readonly temperature: number;
  readonly seed?: number | undefined;
  readonly topK?: number | undefined;
  readonly topP?: number | undefined;
  readonly minP?: number | undefined;
  /** Binds the answer to a JSON Schema. */
  readonly schema?: JsonObject | undefined;
}

/** Is one step of a generation: some of the prompt was read, a token was made, or the text that was held back at its end. */
export type GenerationStep =
  | { readonly type: "prompt"; readonly cachedTokens: number }
  | { readonly type: "token"; readonly text: string }
  | { readonly type: "rest"; readonly text: string };

/** Says why a generation ended by itself: the model ended its turn, or the context is full. */
export type GenerationEnd = "stop" | "length";

/**
 * Is a model in memory. Disposing of it ends its generations.
 *
 * Order: at most as many generations at once as the model was loaded for; the caller sees to that.
 */
export interface LoadedModel extends AsyncDisposable {
  readonly contextTokens: number;
  /** Counts the tokens that the engine has computed for this model, those of prompts and those of answers. */
  readonly evaluatedTokens: number;
  /** Reads a conversation. Errors: LocalFailure `context_length` when no token of an answer would find room. */
  prompt(messages: readonly Message[]): LocalPrompt;
  /** Gives the vector of a text as the model makes it, and the number of its tokens. */
  embed(text: string): Promise<{ readonly vector: readonly number[]; readonly tokens: number }>;
}

/** Are the choices of loading. Units: `onProgress` gets 0 to 1. */
export interface LoadChoices {
  readonly contextTokens?: number | undefined;
  readonly threads?: number | undefined;
  readonly sequences: number;
  readonly onProgress?: ((share: number) => void) | undefined;
}

/** Is the port for what runs models in this process. Errors: LocalFailure. */
export interface LocalEngine extends AsyncDisposable {
  load(path: string, choices: LoadChoices): Promise<LoadedModel>;
}

/** Names what can go wrong in an engine. */
export type LocalFailureKind =
  | "engine_missing"
  | "not_found"
  | "file_invalid"
  | "memory"
  | "context_length"
  | "schema"
  | "closed";

/** Carries a failure of an engine to where it is known which call it belongs to. */
export class LocalFailure extends Error {
  readonly kind: LocalFailureKind;

  /** `message` is a clause that follows the model's name. */
  constructor(kind: LocalFailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "LocalFailure";
    this.kind = kind;
  }
}
