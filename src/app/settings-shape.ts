import type { JsonObject } from "../base/index.ts";
import type { ModelCapabilities, ModelPrice } from "../providers/index.ts";
import type { LogLevel } from "../telemetry/index.ts";
import type { Secret } from "../security/index.ts";

/** Names the wire format that a provider speaks. */
export type ProviderKind =
  | "openai"
  | "openai-responses"
  | "anthropic"
  | "ollama"
  | "openai-compatible"
  | "custom"
  | "local";

/** Lists the strategies that settings can name. */
export const groupStrategies = [
  "failover",
  "round-robin",
  "random",
  "weighted",
  "lowest-cost",
  "lowest-latency",
  "capability",
  "task-aware",
  "adaptive",
] as const;

/** Are the settings of one group of models. */
export interface GroupSettings {
  readonly members: readonly string[];
  readonly strategy?: (typeof groupStrategies)[number];
  readonly weights?: Readonly<Record<string, number>>;
  readonly onText?: "restart" | "continue" | "stop";
  readonly onTools?: "stop" | "restart";
  readonly maxAttempts?: number;
  readonly firstPartMs?: number;
  readonly affinityMs?: number;
}

/** Bounds what all runs, or those of one tenant, may spend together. Units: tokens; US dollars. */
export interface BudgetSettings {
  readonly maxTokens?: number;
  readonly maxCostUsd?: number;
}

/** Are the settings of one tenant: what all its runs together may spend. */
export interface TenantSettings {
  readonly budgets?: { readonly day?: BudgetSettings; readonly total?: BudgetSettings };
}

/** Says what one model can do, where it differs from what is known of it. Units: `strengths` 0 to 1 by kind of task. */
export type ModelSettings = Partial<ModelCapabilities> & { readonly strengths?: Readonly<Record<string, number>> };

/** Are the settings of tokens that are got from an address, instead of a key. */
export interface OauthSettings {
  readonly tokenUrl?: string;
  readonly clientId?: string;
  readonly clientSecret?: Secret;
  readonly refreshToken?: Secret;
  readonly scope?: string;
}

/** Bounds what is asked of one provider. Units: requests and tokens in any minute; calls at the same time. */
export interface ProviderLimitSettings {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrency?: number;
}

/**
 * Bounds what a run may spend. Units: `maxSteps` model calls, `maxTokens` tokens of all calls, `maxCostUsd` US dollars,
 * `timeoutMs` milliseconds.
 */
export interface LimitSettings {
  readonly maxSteps?: number;
  readonly maxTokens?: number;
  readonly maxCostUsd?: number;
  readonly timeoutMs?: number;
}

/** Are the settings of one agent. Paths are absolute; `tools` names tools that modules export; `task` is the kind of its work. */
export interface AgentSettings {
  readonly instructions: string;
  readonly model?: string;
  readonly knowledge?: readonly string[];
  readonly tools?: readonly string[];
  readonly task?: string;
  readonly limits?: LimitSettings;
}

/** Bounds the phases of a call. Units: milliseconds. */
export interface TimeoutSettings {
  readonly connectMs?: number;
  readonly firstPartMs?: number;
  readonly idleMs?: number;
  readonly totalMs?: number;
}

/** Are the settings of one provider. `models` names the models to use, the preferred one first. */
export interface ProviderSettings {
  readonly kind: ProviderKind;
  readonly apiKey?: Secret;
  readonly baseUrl?: string;
  readonly timeouts?: TimeoutSettings;
  readonly models?: readonly string[];
  readonly endpoint?: JsonObject;
  readonly path?: string;
  readonly contextTokens?: number;
  readonly oauth?: OauthSettings;
  readonly limits?: ProviderLimitSettings;
  readonly prices?: Readonly<Record<string, ModelPrice>>;
  readonly capabilities?: Readonly<Record<string, ModelSettings>>;
}

/** Says what a process takes from queues. Units: runs at once; megabytes. */
export interface WorkerSettings {
  readonly name?: string;
  readonly queues?: readonly string[];
  readonly minRuns: number;
  readonly maxRuns: number;
  readonly maxRssMb?: number;
}

/** Is the whole of the settings, checked, with every path absolute. docs/configuration.md describes each. */
export interface Settings {
  readonly version: 1;
  /** `provider/name`, or `auto`: the best that can be used here. */
  readonly model: string;
  /** The path of a file, or the address of a PostgreSQL server. */
  readonly storage: string;
  readonly log: { readonly level: LogLevel; readonly format: "pretty" | "json" };
  readonly knowledge: { readonly paths: readonly string[]; readonly maxFileBytes: number };
  readonly agents: Readonly<Record<string, AgentSettings>>;
  readonly modules: readonly string[];
  /** The project's `agents` when left out. */
  readonly agentsFolder?: string;
  /** What the tools of every agent may do; everything when left out. */
  readonly permissions?: readonly string[];
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  readonly groups: Readonly<Record<string, GroupSettings>>;
  readonly budgets: {
    readonly day?: BudgetSettings;
    readonly total?: BudgetSettings;
    readonly unknownPrices: "refuse" | "allow";
  };
  readonly tenants: Readonly<Record<string, TenantSettings>>;
  readonly limits: LimitSettings & { readonly maxSteps: number };
  readonly worker: WorkerSettings;
  readonly retention: { readonly keepDays: number; readonly maxRuns: number };
}

type Partially<T> = T extends Secret
  ? Secret | string
  : T extends readonly (infer Item)[]
    ? readonly Item[]
    : T extends object
      ? { readonly [Key in keyof T]?: Partially<T[Key]> | undefined }
      : T;

/** Is any part of the settings, as plain values: what files hold and `createAtlas` takes. `undefined` says nothing. */
export type SettingsInput = Partially<Settings>;

/** Lists the profiles. */
export const profiles = ["dev", "test", "prod"] as const;

/** Is a set of settings for one kind of use: the section `[profiles.NAME]` of a file. */
export type Profile = (typeof profiles)[number];
