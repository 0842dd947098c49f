import { dirname, resolve } from "node:path";
import { parseEnv } from "node:util";
import { Secret } from "../security/index.ts";
import { isPostgresAddress } from "../storage/index.ts";
import { appErrors } from "./errors.ts";
import { nearest } from "./nearest.ts";
import type { Environment } from "./settings-environment.ts";
import { readEnvironment } from "./settings-environment.ts";
import type { SettingsFile } from "./settings-files.ts";
import type { Trust } from "./settings-trust.ts";
import { trustOf } from "./settings-trust.ts";
import { findDotenv, findProjectFile, findUserFile, readSettingsFile, readText } from "./settings-files.ts";
import { findKey, settingKeys, variableOf } from "./settings-keys.ts";
import type { SettingEntry, SettingProblem, SettingsRead, ShownValue } from "./settings-origin.ts";
import { shownValue } from "./settings-origin.ts";
import { readSettings } from "./settings-read.ts";
import type { Profile, Settings, SettingsInput } from "./settings-shape.ts";
import { profiles } from "./settings-shape.ts";
import type { SettingHistory } from "./settings-whole.ts";
import { completeSettings } from "./settings-whole.ts";

export type { Settings, SettingsInput } from "./settings-shape.ts";

/** Is where settings are looked for. */
export interface SettingsSources {
  /** The project's folder; the file may stand in one above it. The process's by default. */
  readonly directory?: string | undefined;
  /** `process.env` by default. */
  readonly environment?: Environment | undefined;
  /** Values of the program that embeds Atlas. */
  readonly overrides?: SettingsInput | undefined;
  /** Values of the command line: the last word. */
  readonly flags?: SettingsInput | undefined;
  /** Overrules ATLAS_PROFILE. */
  readonly profile?: string | undefined;
}

/** Is one setting with where it comes from, fit to be shown: secrets are masked. */
export interface SettingExplanation {
  readonly key: string;
  readonly value: ShownValue | null;
  /** `default`, `atlas.toml:3`, `.env OPENAI_API_KEY`, `environment ATLAS_MODEL`, `option` or `flag`. */
  readonly origin: string;
  /** What it would be without that, the nearest first. */
  readonly overridden: readonly { readonly value: ShownValue; readonly origin: string }[];
  readonly variable: string;
  readonly description: string;
}

/** Is the settings with all that is known about them. */
export interface LoadedSettings {
  readonly values: Settings;
  /** The folder of the project: that of its settings file, or the one that was asked for. */
  readonly directory: string;
  readonly file?: string;
  readonly userFile?: string;
  readonly profile?: Profile;
  /** Whose files are believed, beside the settings themselves. */
  readonly trust: Trust;
  /** Sentences about what is odd but does not stop anything. */
  readonly warnings: readonly string[];
  /** Every secret that was read, used or not, for the redactor. */
  readonly secrets: readonly Secret[];
  /** Gives a variable of the environment or of `.env`. */
  variable(name: string): string | undefined;
  /** Explains one setting, those of a section, or all. Errors: setting_unknown. */
  explain(key?: string): readonly SettingExplanation[];
}

/**
 * Loads the settings. Later sources win, setting by setting: defaults, the user's file, the project's file, their sections of
 * the profile, `.env`, environment, overrides, flags. Relative paths count from the file that holds them.
 *
 * Errors: settings_invalid (all that is wrong, each with key, place and fix), settings_unreadable (also for a file that another user may have put there).
 * Cost: without a file under 2 ms; TOML and YAML readers are loaded when there is such a file.
 */
export async function loadSettings(sources: SettingsSources = {}): Promise<LoadedSettings> {
  const environment = sources.environment ?? process.env;
  const start = resolve(sources.directory ?? process.cwd());
  const file = findProjectFile(start, environment);
  const directory = file === undefined ? start : dirname(file);
  const dotenvFile = findDotenv(directory, environment);
  const dotenv: Environment = dotenvFile === undefined ? {} : parseEnv(readText(dotenvFile));
  const profile = chooseProfile(sources.profile ?? environment["ATLAS_PROFILE"] ?? dotenv["ATLAS_PROFILE"]);
  const userFile = findUserFile(environment);
  const variable = (name: string): string | undefined => environment[name] ?? dotenv[name];
  const files: SettingsRead[] = [];
  const inProfile: SettingsRead[] = [];
  for (const path of [userFile, file]) {
    if (path === undefined) continue;
    const read = readFile(await readSettingsFile(path, start), variable);
    files.push(read.base);
    inProfile.push(...read.profiles.filter(({ name, problems }) => name === profile || problems.length > 0));
  }
  const layers = [readDefaults(directory), ...files, ...inProfile];
  const names = layers.flatMap(({ entries }) => entries.flatMap(({ key }) => nameIn(key)));
  const fromDotenv = Object.fromEntries(Object.entries(dotenv).filter(([name]) => environment[name] === undefined));
  layers.push(readEnvironment(fromDotenv, { directory, source: ".env", names }));
  layers.push(readEnvironment(environment, { directory, source: "environment", names }));
  for (const [origin, given] of [
    ["option", sources.overrides],
    ["flag", sources.flags],
  ] as const) {
    if (given !== undefined) layers.push(readSettings(given, { originOf: () => origin, directory: start }));
  }
  const trust = trustOf(environment);
  const found = { directory, trust, ...(file && { file }), ...(userFile && { userFile }), ...(profile && { profile }) };
  return { ...combine(layers, found), variable };
}

function chooseProfile(name: string | undefined): Profile | undefined {
  if (name === undefined || name === "") return undefined;
  const profile = profiles.find((candidate) => candidate === name);
  if (profile !== undefined) return profile;
  throw appErrors.create(
    "settings_invalid",
    `There is no profile ${JSON.stringify(name)}; use one of ${profiles.join(", ")}.`,
    {
      details: { profiles: [...profiles] },
    },
  );
}

function readDefaults(directory: string): SettingsRead {
  const input = section();
  for (const { key, initial } of settingKeys) if (initial !== undefined) place(input, key, initial);
  return readSettings(input, { originOf: () => "default", directory });
}

type ProfileRead = SettingsRead & { readonly name: string };

function readFile(
  file: SettingsFile,
  variable: (name: string) => string | undefined,
): { base: SettingsRead; profiles: ProfileRead[] } {
  const directory = dirname(file.path);
  const origin = (above: readonly string[], path: readonly string[]): string => {
    const line = file.lineOf([...above, ...path]);
    return line === undefined ? file.label : `${file.label}:${line}`;
  };
  const { values } = file;
  if (!isSection(values)) {
    return { base: readSettings(values, { directory, originOf: (path) => origin([], path) }), profiles: [] };
  }
  const hasProfiles = "profiles" in values;
  const { profiles: sections, ...rest } = hasProfiles ? { ...values } : { profiles: {}, ...values };
  const base = readSettings(rest, { directory, variable, originOf: (path) => origin([], path) });
  const read = Object.entries(isSection(sections) ? sections : { "": sections }).map(([name, section]): ProfileRead => {
    const above = ["profiles", name];
    if (!profiles.some((profile) => profile === name)) {
      const near = nearest(name, profiles);
      const message = `there is no such profile; ${near === undefined ? `use ${profiles.join(", ")}` : `did you mean ${near}?`}`;
      return {
        name,
        entries: [],
        warnings: [],
        problems: [{ key: above.join("."), origin: origin(above, []), message }],
      };
    }
    return { name, ...readSettings(section, { directory, variable, originOf: (path) => origin(above, path) }) };
  });
  return { base, profiles: read };
}

function isSection(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const named: ReadonlySet<string> = new Set(["agents", "providers", "groups", "tenants"]);

function nameIn(key: string): string[] {
  const [head, name] = key.split(".");
  return named.has(head ?? "") && name !== undefined ? [name] : [];
}

function combine(
  layers: readonly SettingsRead[],
  found: Pick<LoadedSettings, "directory" | "trust" | "file" | "userFile" | "profile">,
): Omit<LoadedSettings, "variable"> {
  const history: SettingHistory = new Map();
  for (const entry of layers.flatMap(({ entries }) => entries)) {
    history.set(entry.key, [entry, ...(history.get(entry.key) ?? [])]);
  }
  const problems = [...layers.flatMap((layer) => layer.problems), ...completeSettings(history)];
  if (problems.length > 0) throw invalid(problems);
  const input = section();
  input["agents"] = section();
  input["providers"] = section();
  input["groups"] = section();
  input["tenants"] = section();
  for (const [key, [entry]] of history) place(input, key, entry?.value);
  const secrets = [...history.values()].flat().flatMap(secretsIn);
  return {
    ...found,
    // Every key was checked against the table, which is what the type says.
    values: input as unknown as Settings,
    warnings: layers.flatMap((layer) => layer.warnings),
    secrets,
    explain: (key) => explain(history, key),
  };
}

/** Gives what must not be shown of a setting: a secret, or the password in an address. */
function secretsIn({ key, value }: SettingEntry): readonly Secret[] {
  if (value instanceof Secret) return [value];
  if (key !== "storage" || typeof value !== "string" || !isPostgresAddress(value) || !URL.canParse(value)) return [];
  const { password, searchParams } = new URL(value);
  // Read as a form value, the password is decoded, and one that is wrongly encoded is no error.
  const decoded = new URLSearchParams(`password=${password.replaceAll("+", "%2B")}`).get("password") ?? "";
  const written = [password, decoded, searchParams.get("password") ?? ""];
  return [...new Set(written)].filter((text) => text !== "").map((text) => new Secret(text));
}

function invalid(problems: readonly SettingProblem[]): Error {
  const lines = problems.map(({ key, origin, message }) => `${key || "file"} (${origin}): ${message}`);
  const message =
    lines.length === 1
      ? `${problems[0]?.key === "" ? "The settings" : "Setting"} ${lines[0]}${/[.?]$/.test(lines[0] ?? "") ? "" : "."}`
      : `${lines.length} settings are wrong:\n  ${lines.join("\n  ")}`;
  return appErrors.create("settings_invalid", message, {
    details: { problems: problems.map((problem) => ({ ...problem })) },
  });
}

/** Makes a section that inherits nothing: every name in it is one that somebody gave. */
function section(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

/** Puts a value at a dotted key. */
function place(target: Record<string, unknown>, key: string, value: unknown): void {
  const parts = key.split(".");
  const last = parts.pop() ?? "";
  let inner = target;
  for (const part of parts) {
    inner[part] ??= section();
    inner = inner[part] as Record<string, unknown>;
  }
  inner[last] = value;
}

function explain(history: ReadonlyMap<string, readonly SettingEntry[]>, asked?: string): readonly SettingExplanation[] {
  const unset = settingKeys.map(({ key }) => key).filter((key) => !key.includes("*") && !history.has(key));
  const all = [...history.keys(), ...unset];
  const keys = all.filter((key) => asked === undefined || key === asked || key.startsWith(`${asked}.`));
  if (keys.length === 0 && asked !== undefined && findKey(asked) === undefined) {
    const near = nearest(asked, all);
    const hint = near === undefined ? "see all with: atlas config explain" : `did you mean ${near}?`;
    throw appErrors.create("setting_unknown", `There is no setting ${JSON.stringify(asked)}; ${hint}`, {
      details: { key: asked },
    });
  }
  return (keys.length === 0 && asked !== undefined ? [asked] : keys).toSorted().map((key) => {
    const [current, ...before] = history.get(key) ?? [];
    return {
      key,
      value: current === undefined ? null : shownValue(current.value),
      origin: current?.origin ?? "not set",
      overridden: before.map((entry) => ({ value: shownValue(entry.value), origin: entry.origin })),
      variable: variableOf(key),
      description: findKey(key)?.doc ?? "",
    };
  });
}
