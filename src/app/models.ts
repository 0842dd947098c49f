import type {
  Candidate,
  Detection,
  Model,
  ModelEntry,
  ModelQuery,
  ModelQueryResult,
  Prices,
  Provider,
  Providers,
  Variables,
} from "../providers/index.ts";
import type { GateSnapshot } from "../providers/resilience/index.ts";
import { toAtlasError } from "../base/index.ts";
import { createProviders, detectProviders, providerPresets, queryModels } from "../providers/index.ts";
import { manageModels } from "./managed-models.ts";
import type { ManagedModels } from "./managed-models.ts";
import { presetOf, providerFactories } from "./provider-factories.ts";
import type { Settings } from "./settings-shape.ts";

/** Finds models by reference, and the one to use when none is named. The models it gives have their retries, limits and accounting. */
export interface Models extends AsyncDisposable {
  readonly providers: Providers;
  /**
   * Gives the model of `provider/name`, or the group of `group:NAME`; without one the configured model, or the one detected
   * here (looked for once). Errors: provider_unknown, group_unknown.
   */
  get(reference?: string): Promise<Model>;
  /** Gives a model of the program's own its retries, limits and accounting. */
  managed(model: Model): Promise<Model>;
  /** Tells what can be used here and why, the choice first to be used. Generates nothing. */
  detect(signal?: AbortSignal): Promise<Detection>;
  /** Finds the models that can do something among those that can be used here, the best first. Generates nothing. */
  query(query?: ModelQuery, signal?: AbortSignal): Promise<ModelQueryResult>;
  /** The dated price table, with the prices of the settings over it. */
  prices(): Promise<Prices>;
  /** What is known of each model that was called here: state, latency, speed, failures. */
  gates(): readonly GateSnapshot[];
}

/** Makes the models of the settings and of the providers that a program adds. */
export function createModels(settings: Settings, added: readonly Provider[] = []): Models {
  const providers = createProviders({
    ...providerFactories(settings),
    ...Object.fromEntries(added.map((provider) => [provider.name, () => provider])),
  });
  const bare = new Map<string, Model>();
  const resolve = async (reference: string): Promise<Model> => {
    const known = bare.get(reference) ?? (await providers.resolve(reference));
    bare.set(reference, known);
    return known;
  };
  const management = manageModels({ settings, resolve });
  let detected: Promise<Detection> | undefined;
  const look = async (signal?: AbortSignal): Promise<Detection> => {
    const detection = await detectProviders({
      variables: variablesOf(settings),
      signal,
      listOllamaModels: async (baseUrl, probeSignal) => {
        const { ollama } = await import("../providers/adapters/ollama.ts");
        await using probe = ollama({ baseUrl });
        return await probe.listModels({ signal: probeSignal });
      },
    });
    return { ...detection, candidates: merged(configured(settings), detection.candidates) };
  };
  const detect = async (signal?: AbortSignal): Promise<Detection> => {
    const looked = await look(signal);
    const candidates = await Promise.all(looked.candidates.map((each) => made(each, settings, providers)));
    return { candidates, choice: candidates.find((each) => each.usable && each.model !== null) ?? looked.choice };
  };
  const get = async (reference?: string): Promise<Model> => {
    const wanted = reference ?? settings.model;
    const groupName = /^group[:/](.*)$/s.exec(wanted)?.[1];
    if (groupName !== undefined) return await management.group(groupName);
    if (wanted !== "auto") return await management.managed(await resolve(wanted));
    detected ??= detect();
    const { choice } = await detected.catch((error: unknown) => {
      detected = undefined;
      throw error;
    });
    return await management.managed(await resolve(`${choice.provider}/${choice.model ?? ""}`));
  };
  return {
    providers,
    get,
    detect,
    managed: (model) => management.managed(model),
    prices: () => management.prices(),
    gates: () => management.gates(),
    async query(query, signal) {
      const { candidates } = await look(signal);
      return await queryAmong(usableModels(candidates, settings), (each) => entryOf(each, { get, management }), query);
    },
    [Symbol.asyncDispose]: () => providers[Symbol.asyncDispose](),
  };
}

/** The models that can be used here without asking anybody: those that were found, those of the settings, those of groups. */
function usableModels(candidates: readonly Candidate[], settings: Settings): readonly string[] {
  const found = candidates.filter(({ usable }) => usable);
  return [
    ...new Set([
      ...found.flatMap(({ provider, model }) => (model === null ? [] : [`${provider}/${model}`])),
      ...found.flatMap(({ provider }) =>
        (settings.providers[provider]?.models ?? []).map((model) => `${provider}/${model}`),
      ),
      ...Object.values(settings.groups).flatMap(({ members }) => members),
    ]),
  ];
}

async function queryAmong(
  references: readonly string[],
  entry: (reference: string) => Promise<ModelEntry>,
  query: ModelQuery | undefined,
): Promise<ModelQueryResult> {
  const looked = await Promise.allSettled(references.map(entry));
  const entries = looked.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  // One that cannot be made, for what the settings say of it, takes nothing from the others.
  const broken = looked.flatMap((each, index) =>
    each.status === "rejected" ? [{ model: references[index] ?? "", reason: toAtlasError(each.reason).message }] : [],
  );
  const { matches, rejected } = queryModels(entries, query);
  return { matches, rejected: [...rejected, ...broken] };
}

/** A call of this size is what queries compare costs by. */
const typicalUsage = { inputTokens: 3_000, outputTokens: 1_000 };

async function entryOf(
  reference: string,
  { get, management }: { get: (reference: string) => Promise<Model>; management: ManagedModels },
): Promise<ModelEntry> {
  const { provider, name, capabilities } = await get(reference);
  const costMicroUsd = await management.costMicroUsd({ provider, name, capabilities }, typicalUsage);
  return { model: reference, capabilities, strengths: management.strengthsOf({ provider, name }), costMicroUsd };
}

/** Providers that the settings name models of come before what is found by keys. */
function configured(settings: Settings): Candidate[] {
  return Object.entries(settings.providers).flatMap(([provider, { models, apiKey, baseUrl }]): Candidate[] => {
    const model = models?.[0];
    if (model === undefined) return [];
    // A server of this machine (null) needs no key.
    const keyVariable = presetOf(provider)?.keyVariable ?? null;
    const keyless = keyVariable !== null && apiKey === undefined && baseUrl === undefined;
    const problem = keyless ? { problem: `Set ${keyVariable} to use ${provider}.` } : {};
    return [{ provider, model, usable: !keyless, reason: "It is configured with its models", ...problem }];
  });
}

/** Makes the provider of the settings that could be chosen: where what they say of it is wrong it is not usable, and the reason is told. */
async function made(candidate: Candidate, settings: Settings, providers: Providers): Promise<Candidate> {
  if (!candidate.usable || settings.providers[candidate.provider]?.models === undefined) return candidate;
  return await providers.get(candidate.provider).then(
    () => candidate,
    (error: unknown) => ({ ...candidate, usable: false, problem: toAtlasError(error).message }),
  );
}

/** Puts what is configured before what was found; a provider that is both is told of once, with what was found against it. */
function merged(named: readonly Candidate[], found: readonly Candidate[]): readonly Candidate[] {
  const both = named.map((each): Candidate => {
    const problem = each.problem ?? found.find(({ provider }) => provider === each.provider)?.problem;
    return problem === undefined ? each : { ...each, problem };
  });
  return [...both, ...found.filter(({ provider }) => !named.some((each) => each.provider === provider))];
}

function variablesOf({ providers }: Settings): Variables {
  const variables: Record<string, string | undefined> = { OLLAMA_HOST: providers["ollama"]?.baseUrl };
  for (const [name, { keyVariable }] of Object.entries(providerPresets)) {
    if (keyVariable !== null) variables[keyVariable] = providers[name]?.apiKey?.reveal();
  }
  return variables;
}
