import type { Clock, Random } from "../base/index.ts";
import { AtlasError, isAtlasError, systemClock, systemRandom } from "../base/index.ts";
import type { GroupMember, GuardOptions, Model, PricedCall, Prices, Strengths } from "../providers/index.ts";
import type { ControlledGate, Cooldowns, GateSnapshot, Limiter, RetryBudget } from "../providers/resilience/index.ts";
import { factsOf, group, guarded } from "../providers/index.ts";
import {
  createConcurrencyLimiter,
  createCooldowns,
  createGate,
  createRateLimiter,
  createRetryBudget,
} from "../providers/resilience/index.ts";
import { appErrors } from "./errors.ts";
import { strategyNamed } from "./group-strategies.ts";
import { nearest } from "./nearest.ts";
import { loadSettingsPrices } from "./settings-prices.ts";
import type { GroupSettings, ModelSettings, Settings } from "./settings-shape.ts";

/** Gives models their retries, limits, breaker, prices and accounting, and makes the groups of the settings. */
export interface ManagedModels {
  /** Gives a model with all that; one that has it is given back as it is. Each model is managed once, whoever asks. */
  managed(model: Model): Promise<Model>;
  /** Gives the group of a name. Errors: group_unknown. */
  group(name: string): Promise<Model>;
  /** The price table with the settings' own prices over it. */
  prices(): Promise<Prices>;
  /** Gives what a call would cost; null where no price is known. Units: millionths of a US dollar. */
  costMicroUsd(model: PricedModel, usage: PricedCall["usage"]): Promise<number | null>;
  strengthsOf(model: NamedModel): Strengths | undefined;
  /** What is known of each model that was called here, and of its limits. */
  gates(): readonly GateSnapshot[];
}

type NamedModel = Pick<Model, "provider" | "name">;
type PricedModel = Pick<Model, "provider" | "name" | "capabilities">;

/** Is what managing models needs. `resolve` finds a bare model by `provider/name`. */
export interface Management {
  readonly settings: Settings;
  readonly resolve: (reference: string) => Promise<Model>;
  /** Loads the prices when they are first needed: by default the table, with those of the settings over it. */
  readonly loadPrices?: () => Promise<Prices>;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What all models of one provider share. */
interface Shared {
  readonly limiters: readonly Limiter[];
  readonly retryBudget: RetryBudget;
}

/** Runs are not in a hurry: a call waits for the end of several long answers before it is given up. */
const queueMs = 900_000;

/** Makes the management of the models of one Atlas: what it knows of a provider is shared by all that call it. */
export function manageModels(management: Management): ManagedModels {
  return new Manager(management);
}

class Manager implements ManagedModels {
  readonly #settings: Settings;
  readonly #resolve: Management["resolve"];
  readonly #loadPrices: () => Promise<Prices>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #cooldowns: Cooldowns;
  readonly #shared = new Map<string, Shared>();
  readonly #gates = new Map<string, ControlledGate>();
  readonly #made = new WeakMap<Model, Promise<Model>>();
  readonly #groups = new Map<string, Promise<Model>>();
  #prices: Promise<Prices> | undefined;

  constructor(management: Management) {
    const { settings, resolve, clock = systemClock, random = systemRandom } = management;
    this.#settings = settings;
    this.#resolve = resolve;
    this.#loadPrices = management.loadPrices ?? (() => loadSettingsPrices(settings));
    this.#clock = clock;
    this.#random = random;
    this.#cooldowns = createCooldowns({ clock, random });
  }

  async managed(model: Model): Promise<Model> {
    if (model.managed === true) return model;
    const known = this.#made.get(model);
    if (known !== undefined) return await known;
    const making = this.#manage(model);
    this.#made.set(model, making);
    // What failed to be made is tried again the next time.
    making.catch(() => this.#made.delete(model));
    return await making;
  }

  async group(name: string): Promise<Model> {
    const { groups } = this.#settings;
    const found = Object.hasOwn(groups, name) ? groups[name] : undefined;
    if (found === undefined) throw unknownGroup(name, Object.keys(groups));
    const known = this.#groups.get(name) ?? this.#makeGroup(name, found);
    this.#groups.set(name, known);
    known.catch(() => this.#groups.delete(name));
    return await known;
  }

  prices(): Promise<Prices> {
    this.#prices ??= this.#loadPrices();
    this.#prices.catch(() => (this.#prices = undefined));
    return this.#prices;
  }

  async costMicroUsd(model: PricedModel, usage: PricedCall["usage"]): Promise<number | null> {
    const free = model.capabilities.cost === "free";
    const prices = await this.#pricesOf([model]);
    return prices === undefined ? 0 : prices.costMicroUsd({ provider: model.provider, model: model.name, usage, free });
  }

  strengthsOf(model: NamedModel): Strengths | undefined {
    return strengthsOf(model, this.#settings);
  }

  gates(): readonly GateSnapshot[] {
    return [...this.#gates.values()].map((gate) => gate.snapshot());
  }

  async #manage(bare: Model): Promise<Model> {
    const model = withCapabilities(bare, this.#settings);
    return guarded(model, {
      ...this.#guardOf(model),
      prices: await this.#pricesOf([model]),
      queueMs,
      clock: this.#clock,
      random: this.#random,
    });
  }

  async #makeGroup(name: string, found: GroupSettings): Promise<Model> {
    const { strategy = "failover", weights = {}, onText, onTools, firstPartMs, maxAttempts, affinityMs } = found;
    const members = await Promise.all(
      found.members.map(async (reference) => {
        const member = await this.#memberOf(reference).catch((error: unknown) => {
          throw inGroup(error, name);
        });
        return { ...member, weight: Object.hasOwn(weights, reference) ? weights[reference] : undefined };
      }),
    );
    return group({
      name,
      members,
      strategy: strategyNamed(strategy),
      fallback: { ...(onText && { onText }), ...(onTools && { onTools }), firstPartMs },
      queueMs,
      ...(maxAttempts !== undefined && { retry: { maxAttempts } }),
      ...(affinityMs !== undefined && { affinity: { ttlMs: affinityMs } }),
      prices: await this.#pricesOf(members.map(({ model }) => model)),
      clock: this.#clock,
      random: this.#random,
    });
  }

  async #memberOf(reference: string): Promise<GroupMember> {
    const model = withCapabilities(await this.#resolve(reference), this.#settings);
    return { model, ...this.#guardOf(model), strengths: this.strengthsOf(model)?.levels };
  }

  /** The price table is read only where some model has a price. */
  async #pricesOf(models: readonly PricedModel[]): Promise<Prices | undefined> {
    return models.some((model) => isPriced(model, this.#settings)) ? await this.prices() : undefined;
  }

  #guardOf(model: Model): Pick<GuardOptions, "gate" | "retryBudget" | "unknownPrice"> {
    return {
      gate: this.#gateOf(model),
      retryBudget: this.#sharedOf(model.provider).retryBudget,
      unknownPrice: this.#settings.budgets.unknownPrices,
    };
  }

  #gateOf({ provider, name }: Model): ControlledGate {
    const key = `${provider}/${name}`;
    const known = this.#gates.get(key);
    if (known !== undefined) return known;
    const { limiters } = this.#sharedOf(provider);
    const common = { cooldown: this.#cooldowns, clock: this.#clock, random: this.#random };
    const gate = createGate({ provider, model: name, keyId: provider, limiters, ...common });
    this.#gates.set(key, gate);
    return gate;
  }

  #sharedOf(provider: string): Shared {
    const known = this.#shared.get(provider) ?? shareOf(provider, this.#settings, this.#clock);
    this.#shared.set(provider, known);
    return known;
  }
}

function shareOf(provider: string, settings: Settings, clock: Clock): Shared {
  const { requestsPerMinute, tokensPerMinute, concurrency } = settings.providers[provider]?.limits ?? {};
  const rated = requestsPerMinute !== undefined || tokensPerMinute !== undefined;
  return {
    limiters: [
      // What a provider reports is of the model that was called: that model's own gate follows it.
      ...(rated
        ? [createRateLimiter({ clock, name: provider, requestsPerMinute, tokensPerMinute, followReports: false })]
        : []),
      ...(concurrency === undefined ? [] : [createConcurrencyLimiter({ clock, limit: concurrency })]),
    ],
    retryBudget: createRetryBudget({ clock }),
  };
}

function unknownGroup(name: string, known: readonly string[]): Error {
  const near = nearest(name, known);
  const hint = near === undefined ? `known: ${known.join(", ") || "none"}.` : `did you mean ${near}?`;
  return appErrors.create("group_unknown", `There is no group ${JSON.stringify(name)}; ${hint}`, {
    details: { group: name, known: [...known] },
  });
}

/** Says of what is wrong with a member in which group it is. */
function inGroup(error: unknown, name: string): unknown {
  if (!isAtlasError(error)) return error;
  const { code, message, details, ...spec } = error.toJSON();
  const told = `The group ${name} cannot be made: ${message}`;
  return new AtlasError(code, told, {
    spec: { ...spec, summary: "" },
    details: { ...details, group: name },
    cause: error,
  });
}

/** What the settings say of a model by its name, if anything. */
function configured({ provider, name }: NamedModel, settings: Settings): ModelSettings | undefined {
  const ofProvider = settings.providers[provider]?.capabilities ?? {};
  return Object.hasOwn(ofProvider, name) ? ofProvider[name] : undefined;
}

/** A model that is free costs something all the same where the settings give it a price. */
function isPriced({ provider, name, capabilities }: PricedModel, { providers }: Settings): boolean {
  return capabilities.cost !== "free" || Object.hasOwn(providers[provider]?.prices ?? {}, name);
}

function withCapabilities(model: Model, settings: Settings): Model {
  const given = configured(model, settings);
  if (given === undefined) return model;
  const { strengths: _, ...known } = given;
  const capabilities = { ...model.capabilities, ...known };
  return {
    provider: model.provider,
    name: model.name,
    capabilities,
    stream: (request, options) => model.stream(request, options),
  };
}

function strengthsOf(model: NamedModel, settings: Settings): Strengths | undefined {
  const known = factsOf(model.name)?.strengths;
  const own = configured(model, settings)?.strengths;
  if (own === undefined) return known;
  return {
    levels: { ...known?.levels, ...own },
    basis: "configured",
    source: "settings",
    date: known?.date ?? "",
  };
}
