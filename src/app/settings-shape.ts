import type { LogLevel } from "../telemetry/index.ts";
import type { Secret } from "../security/index.ts";

/** Names the wire format that a provider speaks. */
export type ProviderKind = "openai" | "anthropic" | "ollama" | "openai-compatible";

/** Bounds what a run may spend. Units: `maxSteps` model calls, `maxTokens` tokens of all calls, `timeoutMs` milliseconds. */
export interface LimitSettings {
  readonly maxSteps?: number;
  readonly maxTokens?: number;
  readonly timeoutMs?: number;
}

/** Are the settings of one agent. Paths are absolute; `tools` names tools that modules export. */
export interface AgentSettings {
  readonly instructions: string;
  readonly model?: string;
  readonly knowledge?: readonly string[];
  readonly tools?: readonly string[];
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
}

/** Is the whole of the settings, checked, with every path absolute. docs/configuration.md describes each. */
export interface Settings {
  readonly version: 1;
  /** `provider/name`, or `auto`: the best that can be used here. */
  readonly model: string;
  readonly storage: string;
  readonly log: { readonly level: LogLevel; readonly format: "pretty" | "json" };
  readonly knowledge: { readonly paths: readonly string[]; readonly maxFileBytes: number };
  readonly agents: Readonly<Record<string, AgentSettings>>;
  readonly modules: readonly string[];
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  readonly limits: LimitSettings & { readonly maxSteps: number };
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
