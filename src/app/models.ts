import type {
  Candidate,
  Detection,
  Model,
  Provider,
  ProviderFactory,
  Providers,
  Variables,
} from "../providers/index.ts";
import {
  createProviders,
  detectProviders,
  offlineReference,
  ollamaBaseUrl,
  providerPresets,
} from "../providers/index.ts";
import type { ProviderSettings, Settings } from "./settings-shape.ts";

/** Finds models by reference, and the one to use when none is named. */
export interface Models extends AsyncDisposable {
  readonly providers: Providers;
  /** Gives the model of `provider/name`; without one the configured model, or the one detected here (looked for once). */
  get(reference?: string): Promise<Model>;
  /** Tells what can be used here and why, the choice first to be used. Generates nothing. */
  detect(signal?: AbortSignal): Promise<Detection>;
}

/** Makes the models of the settings and of the providers that a program adds. */
export function createModels(settings: Settings, added: readonly Provider[] = []): Models {
  const providers = createProviders({
    ...Object.fromEntries(
      Object.entries(providerPresets).map(([name]) => [name, factoryOf(name, settings.providers[name])]),
    ),
    ollama: factoryOf("ollama", settings.providers["ollama"]),
    ...Object.fromEntries(Object.entries(settings.providers).map(([name, each]) => [name, factoryOf(name, each)])),
    offline: offlineProvider,
    ...Object.fromEntries(added.map((provider) => [provider.name, () => provider])),
  });
  let detected: Promise<Detection> | undefined;
  const detect = async (signal?: AbortSignal): Promise<Detection> => {
    const detection = await detectProviders({
      variables: variablesOf(settings),
      signal,
      listOllamaModels: async (baseUrl, probeSignal) => {
        const { ollama } = await import("../providers/adapters/ollama.ts");
        await using probe = ollama({ baseUrl });
        return await probe.listModels({ signal: probeSignal });
      },
    });
    const candidates = merged(configured(settings), detection.candidates);
    return { candidates, choice: candidates.find((each) => each.usable && each.model !== null) ?? detection.choice };
  };
  return {
    providers,
    detect,
    async get(reference) {
      const wanted = reference ?? settings.model;
      if (wanted !== "auto") return await providers.resolve(wanted);
      detected ??= detect();
      const { choice } = await detected.catch((error: unknown) => {
        detected = undefined;
        throw error;
      });
      return await providers.resolve(`${choice.provider}/${choice.model ?? ""}`);
    },
    [Symbol.asyncDispose]: () => providers[Symbol.asyncDispose](),
  };
}

/** Providers that the settings name models of come before what is found by keys. */
function configured(settings: Settings): Candidate[] {
  return Object.entries(settings.providers).flatMap(([provider, { models, apiKey, baseUrl }]): Candidate[] => {
    const model = models?.[0];
    if (model === undefined) return [];
    const keyVariable = presetOf(provider)?.keyVariable;
    const keyless = keyVariable !== undefined && apiKey === undefined && baseUrl === undefined;
    const problem = keyless ? { problem: `Set ${keyVariable} to use ${provider}.` } : {};
    return [{ provider, model, usable: !keyless, reason: "It is configured with its models", ...problem }];
  });
}

/** Puts what is configured before what was found; a provider that is both is told of once, with what was found against it. */
function merged(named: readonly Candidate[], found: readonly Candidate[]): readonly Candidate[] {
  const both = named.map((each): Candidate => {
    const problem = each.problem ?? found.find(({ provider }) => provider === each.provider)?.problem;
    return problem === undefined ? each : { ...each, problem };
  });
  return [...both, ...found.filter(({ provider }) => !named.some((each) => each.provider === provider))];
}

function presetOf(name: string): (typeof providerPresets)[string] | undefined {
  return Object.hasOwn(providerPresets, name) ? providerPresets[name] : undefined;
}

function variablesOf({ providers }: Settings): Variables {
  const variables: Record<string, string | undefined> = { OLLAMA_HOST: providers["ollama"]?.baseUrl };
  for (const [name, { keyVariable }] of Object.entries(providerPresets))
    variables[keyVariable] = providers[name]?.apiKey?.reveal();
  return variables;
}

/** The adapters load when a provider is first used: none of them is needed to start. */
function factoryOf(name: string, settings: ProviderSettings | undefined): ProviderFactory {
  const preset = presetOf(name);
  const kind =
    settings?.kind ?? (name === "ollama" ? "ollama" : preset?.wire === "anthropic" ? "anthropic" : "openai-compatible");
  const apiKey = settings?.apiKey;
  const baseUrl = settings?.baseUrl ?? preset?.baseUrl;
  const timeouts = settings?.timeouts;
  return async () => {
    if (kind === "ollama") {
      const { ollama } = await import("../providers/adapters/ollama.ts");
      return ollama({ baseUrl: baseUrl ?? ollamaBaseUrl, timeouts });
    }
    if (kind === "anthropic") {
      const { anthropic } = await import("../providers/adapters/anthropic.ts");
      return anthropic({ name, apiKey, baseUrl, timeouts });
    }
    const { openai, openaiCompatible } = await import("../providers/adapters/openai-chat.ts");
    if (name === "openai" || baseUrl === undefined) return openai({ name, apiKey, baseUrl, timeouts });
    return openaiCompatible({ name, apiKey, baseUrl, timeouts, quirks: preset?.quirks });
  };
}

async function offlineProvider(): Promise<Provider> {
  const { offline } = await import("../providers/adapters/offline.ts");
  return {
    name: offlineReference.provider,
    model: () => offline(),
    listModels: async () => [offlineReference.model],
    async [Symbol.asyncDispose]() {},
  };
}
