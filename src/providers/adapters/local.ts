import type { Clock } from "../../base/index.ts";
import { systemClock } from "../../base/index.ts";
import { localCapabilities } from "../capabilities.ts";
import type { Embedder } from "../embedder.ts";
import type { ModelCapabilities, Provider } from "../model.ts";
import { type LoadedModel, LocalFailure } from "../local/engine.ts";
import { createKeptModel } from "../local/kept-model.ts";
import { localEmbedder } from "../local/local-embedder.ts";
import { localModel, type LocalModelSetup } from "../local/local-model.ts";
import { findModelFile, listModelFiles, type ModelFiles } from "../local/model-files.ts";
import { createSlots } from "../local/slots.ts";
import type { ModelPlace } from "../local/turn.ts";
import { defaultTimeouts, localTimeouts, type Timeouts } from "../transport/deadlines.ts";
import { llamaEngine, type LoadVendor } from "./llama-engine.ts";

/**
 * Are the options of `local`. `path` is a GGUF file, or a folder of them; with `models` each file gets the name that it has there.
 *
 * Units: tokens; milliseconds.
 */
export type LocalOptions = ModelFiles & {
  /** What stands before the slash in the names of its models: `local` by default. */
  readonly name?: string | undefined;
  /** How long conversations may be: 4,096 by default, and never more than the model was trained for. */
  readonly contextTokens?: number | undefined;
  /** How many threads compute: as many as the engine thinks right by default. */
  readonly threads?: number | undefined;
  /** Uses the graphics card, where node-llama-cpp finds one. */
  readonly gpu?: boolean | undefined;
  /** How many answers one model gives at the same time; more wait in line. 4 by default. */
  readonly maxConcurrent?: number | undefined;
  /** How long a model stays in memory after its last use: 5 minutes by default. */
  readonly keepLoadedMs?: number | undefined;
  /** Offers the models as embedders too. Only models that were trained for it give vectors of use. */
  readonly embeddings?: boolean | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly clock?: Clock | undefined;
  /** Is told how much of a model's file has been loaded, from 0 to 1. */
  readonly onProgress?: ((name: string, share: number) => void) | undefined;
  /** Replaces how node-llama-cpp is imported, for a bundle that holds it somewhere else. */
  readonly loadEngine?: LoadVendor | undefined;
};

/** Counts what a local provider does now. */
export interface LocalActivity {
  readonly loaded: readonly string[];
  readonly running: number;
  readonly waiting: number;
  /** Counts the tokens that the engine has computed for the models that are loaded. */
  readonly evaluatedTokens: number;
}

/** Is the provider of local models, which also tells what it does. */
export interface LocalProvider extends Provider {
  readonly activity: LocalActivity;
  /** Resolves when no model generates. */
  idle(): Promise<void>;
}

/**
 * Makes the provider of models that run in this process, from GGUF files, with node-llama-cpp (an optional package that is
 * imported when the first model is loaded).
 *
 * Errors: local_engine_missing, model_not_found, model_file_invalid and local_memory when a model is first used.
 * @example examples/local-model.ts
 */
export function local(options: LocalOptions): LocalProvider {
  const { name: provider = "local", gpu = false, threads, keepLoadedMs = 300_000, clock = systemClock } = options;
  const { contextTokens, maxConcurrent = 4, onProgress } = options;
  const timeouts: Timeouts = { ...defaultTimeouts, ...localTimeouts, ...options.timeouts };
  const engine = llamaEngine({ gpu, threads, load: options.loadEngine });
  const places = new Map<string, ModelPlace>();

  const closed = new LocalFailure("closed", "belongs to a provider that was closed; make a new one");
  let open = true;

  const place = async (name: string): Promise<ModelPlace> => {
    if (!open) throw closed;
    const path = places.has(name) ? "" : await findModelFile(options, name);
    const known = places.get(name);
    if (known !== undefined) return known;
    const progress = onProgress && ((share: number): void => onProgress(name, share));
    const choices = { contextTokens, threads, sequences: maxConcurrent, onProgress: progress };
    const load = (): Promise<LoadedModel> => (open ? engine.load(path, choices) : Promise.reject(closed));
    const made: ModelPlace = {
      kept: createKeptModel(load, { keepLoadedMs, clock }),
      slots: createSlots(maxConcurrent),
    };
    places.set(name, made);
    return made;
  };
  const setupOf = (name: string): LocalModelSetup => ({
    provider,
    name,
    timeouts,
    clock,
    place: () => place(name),
    capabilities: () => capabilitiesOf(places.get(name)?.kept.loaded?.contextTokens ?? contextTokens),
  });
  return {
    name: provider,
    model: (name) => localModel(setupOf(name)),
    listModels: () => listModelFiles(options),
    ...(options.embeddings === true && { embedder: (name: string): Embedder => localEmbedder(setupOf(name)) }),
    get activity() {
      const all = [...places];
      return {
        loaded: all.filter(([, { kept }]) => kept.loaded !== undefined).map(([name]) => name),
        running: all.reduce((sum, [, { slots }]) => sum + slots.taken, 0),
        waiting: all.reduce((sum, [, { slots }]) => sum + slots.waiting, 0),
        evaluatedTokens: all.reduce((sum, [, { kept }]) => sum + (kept.loaded?.evaluatedTokens ?? 0), 0),
      };
    },
    async idle() {
      await Promise.all([...places.values()].map(({ slots }) => slots.idle()));
    },
    async [Symbol.asyncDispose]() {
      open = false;
      for (const { slots } of places.values()) slots.dismiss(closed);
      await Promise.all([...places.values()].map(({ kept }) => kept[Symbol.asyncDispose]()));
      await engine[Symbol.asyncDispose]();
    },
  };
}

/**
 * Says what a model of this process can do. It calls no tools: the formats in which models write calls differ from one to the
 * other, and a call that is guessed from text is worse than none. For data, a grammar holds it to a schema.
 */
function capabilitiesOf(contextTokens: number | undefined): ModelCapabilities {
  return {
    ...localCapabilities,
    contextTokens: contextTokens ?? null,
    tools: "none",
    structuredOutput: "native",
    files: [],
    prefill: true,
    promptCaching: "automatic",
    pauseEffect: "generation",
  };
}
