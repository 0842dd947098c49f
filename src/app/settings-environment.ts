import { parseJson } from "../base/index.ts";
import { providerPresets, readOllamaHost } from "../providers/index.ts";
import { nearest } from "./nearest.ts";
import type { SettingKind } from "./settings-keys.ts";
import { findKey, settingKeys, variableOf } from "./settings-keys.ts";
import type { SettingEntry, SettingProblem, SettingsRead } from "./settings-origin.ts";
import { checkValue } from "./settings-read.ts";

/** Is a set of environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Are the variables that every tool of a provider reads, and the settings they mean. */
export const wellKnownVariables: Readonly<Record<string, string>> = {
  ...Object.fromEntries<string>(
    Object.entries(providerPresets).flatMap(([name, { keyVariable, baseUrlVariable }]): [string, string][] => [
      ...(keyVariable === null ? [] : [[keyVariable, `providers.${name}.apiKey`] satisfies [string, string]]),
      ...(baseUrlVariable === undefined
        ? []
        : [[baseUrlVariable, `providers.${name}.baseUrl`] satisfies [string, string]]),
    ]),
  ),
  OLLAMA_HOST: "providers.ollama.baseUrl",
  OLLAMA_BASE_URL: "providers.ollama.baseUrl",
};

/** Variables that Atlas reads beside the settings. */
const otherVariables = new Set(["ATLAS_PROFILE", "ATLAS_TRUST"]);

/** Are the options of reading the environment. */
export interface EnvironmentContext {
  /** Relative paths start here. */
  readonly directory: string;
  /** Says where variables come from: `environment` or `.env`. */
  readonly source: string;
  /** Names of agents and providers that are known from files, to read `ATLAS_AGENTS_MY_AGENT_MODEL`. */
  readonly names: readonly string[];
}

/**
 * Reads settings from variables: the well-known ones of providers, then `ATLAS_` and the key in capitals.
 * An empty variable says nothing; an unknown `ATLAS_` variable is a warning, since the environment is shared.
 */
export function readEnvironment(environment: Environment, context: EnvironmentContext): SettingsRead {
  const entries: SettingEntry[] = [];
  const problems: SettingProblem[] = [];
  const warnings: string[] = [];
  const add = (variable: string, key: string, text: string): void => {
    const known = findKey(key);
    if (known === undefined) return;
    const origin = `${context.source} ${variable}`;
    const checked = checkValue(fromText(text, known.kind), known, context.directory);
    if ("problems" in checked) {
      for (const { path, message } of checked.problems)
        problems.push({ key: [key, ...path].join("."), origin, message });
    } else entries.push({ key, value: checked.value, origin });
  };
  for (const [variable, key] of Object.entries(wellKnownVariables)) {
    const text = environment[variable];
    if (text) add(variable, key, variable === "OLLAMA_HOST" ? readOllamaHost(text) : text);
  }
  for (const [variable, text] of Object.entries(environment)) {
    if (!text || !variable.startsWith("ATLAS_") || otherVariables.has(variable)) continue;
    const key = keyOf(variable, context.names);
    if (key !== undefined && findKey(key) !== undefined) add(variable, key, text);
    else warnings.push(unknownVariable(variable, context.source));
  }
  return { entries, problems, warnings };
}

function keyOf(variable: string, names: readonly string[]): string | undefined {
  for (const { key } of settingKeys) {
    if (!key.includes("*")) {
      if (variableOf(key) === variable) return key;
      continue;
    }
    const [head = "", tail = ""] = key.split("*");
    const start = variableOf(head);
    const end = variableOf(tail).slice("ATLAS_".length);
    if (!variable.startsWith(start) || !variable.endsWith(end) || variable.length <= start.length + end.length)
      continue;
    const name = variable.slice(start.length, variable.length - end.length);
    const given = names.find((candidate) => candidate.toUpperCase().replaceAll("-", "_") === name);
    return `${head}${given ?? name.toLowerCase().replaceAll("_", "-")}${tail}`;
  }
  return undefined;
}

function unknownVariable(variable: string, source: string): string {
  const near = nearest(
    variable,
    settingKeys.filter(({ key }) => !key.includes("*")).map(({ key }) => variableOf(key)),
  );
  return `The variable ${variable} (${source}) is no setting and was left out${near === undefined ? "" : `; did you mean ${near}?`}`;
}

const tableKinds: ReadonlySet<SettingKind> = new Set(["data", "prices", "capabilities", "weights"]);
const listKinds: ReadonlySet<SettingKind> = new Set(["paths", "texts", "members"]);

/** Lists are written with commas, tables as JSON. */
function fromText(text: string, kind: SettingKind): unknown {
  if (kind === "integer" || kind === "version") return /^-?\d+$/.test(text.trim()) ? Number(text) : text;
  if (kind === "decimal") return /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
  if (tableKinds.has(kind)) return readData(text);
  if (!listKinds.has(kind)) return text;
  return text.split(",").flatMap((item) => (item.trim() === "" ? [] : [item.trim()]));
}

function readData(text: string): unknown {
  try {
    return parseJson(text, "a setting's variable");
  } catch {
    return text;
  }
}
