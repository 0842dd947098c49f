import { homedir } from "node:os";
import { resolve } from "node:path";
import { Secret, isSecret } from "../security/index.ts";
import type { JsonObject } from "../base/index.ts";
import { isPostgresAddress } from "../storage/index.ts";
import { described, isTable, kindOf } from "./described-value.ts";
import { nearest } from "./nearest.ts";
import type { ValueProblem } from "./settings-data.ts";
import { capabilityProblems, priceProblems, weightProblems } from "./settings-data.ts";
import type { SettingKey } from "./settings-keys.ts";
import { findKey, isName, namesUnder } from "./settings-keys.ts";
import type { SettingEntry, SettingProblem, SettingsRead, SettingValue } from "./settings-origin.ts";

/** Is where values come from and how they are read. */
export interface ReadContext {
  /** Says where a key was given: `atlas.toml:3`. */
  readonly originOf: (path: readonly string[]) => string;
  /** Relative paths start here. */
  readonly directory: string;
  /** Gives variables for `${NAME}` in the strings of `providers`; left out where nothing is replaced. */
  readonly variable?: (name: string) => string | undefined;
}

/** Reads nested plain values into checked settings; never throws for a bad value. */
export function readSettings(input: unknown, context: ReadContext): SettingsRead {
  const entries: SettingEntry[] = [];
  const problems: SettingProblem[] = [];
  const report = (path: readonly string[], message: string): void => {
    problems.push({ key: path.join("."), origin: context.originOf(path), message });
  };
  const visit = (value: unknown, path: readonly string[]): void => {
    const key = path.join(".");
    const known = findKey(key);
    if (known !== undefined) {
      const filled = fill(value, path, context);
      if ("message" in filled) return report(path, filled.message);
      if (filled.value === "" && value !== "") return;
      const checked = checkValue(filled.value, known, context.directory);
      if ("problems" in checked)
        for (const { path: inner, message } of checked.problems) report([...path, ...inner], message);
      else {
        const originAt = (inner: readonly string[]): string => context.originOf([...path, ...inner]);
        entries.push({ key, value: checked.value, origin: context.originOf(path), originAt });
      }
      return;
    }
    const names = namesUnder(path);
    if (names.length === 0) return report(path, unknownKey(path));
    if (!isTable(value)) return report(path, `expected a section with ${listOf(names)}, got ${kindOf(value)}`);
    const inside = Object.entries(value).filter(([, item]) => item !== undefined);
    for (const [name, item] of inside) {
      if (names.includes("*") && !isName(name)) {
        report(
          [...path, name.slice(0, 64)],
          "is no name; use letters, digits, _ and -, and no word of JavaScript's objects",
        );
      } else visit(item, [...path, name]);
    }
    if (inside.length === 0 && path[0] === "agents" && path.length === 2)
      report(path, 'is empty; give it instructions = "…"');
  };
  visit(input, []);
  return { entries, problems, warnings: [] };
}

function unknownKey(path: readonly string[]): string {
  const parent = path.slice(0, -1);
  const names = namesUnder(parent);
  const near = nearest(path.at(-1) ?? "", names);
  if (near !== undefined) return `there is no such setting; did you mean ${[...parent, near].join(".")}?`;
  return names.length === 0
    ? `there is no such setting: ${parent.join(".")} is a value and holds nothing`
    : `there is no such setting; ${parent.length === 0 ? "there are" : `${parent.join(".")} has`} ${listOf(names)}`;
}

function listOf(names: readonly string[]): string {
  return names.filter((name) => name !== "*").join(", ") || "names of your own";
}

type Outcome<T> = { readonly value: T } | { readonly message: string };

/** Puts variables into the strings of a provider. `${NAME:-}` of a variable that is not set leaves the setting out. */
function fill(value: unknown, path: readonly string[], context: ReadContext): Outcome<unknown> {
  const { variable } = context;
  if (variable === undefined || typeof value !== "string" || path[0] !== "providers") return { value };
  const missing: string[] = [];
  const filled = value.replaceAll(
    /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
    (_, name: string, otherwise?: string) => {
      const found = variable(name) || otherwise;
      if (found === undefined) missing.push(name);
      return found ?? "";
    },
  );
  if (missing.length === 0) return { value: filled };
  return {
    message: `names the variable ${missing.join(", ")}, which is not set; set it, or write it to the .env file`,
  };
}

type Checked = { readonly value: SettingValue } | { readonly problems: readonly ValueProblem[] };

const wrong = (message: string): Checked => ({ problems: [{ path: [], message }] });

/** Checks one value against its description; a message says what was expected, never a secret's value. */
export function checkValue(value: unknown, known: SettingKey, directory: string): Checked {
  const bad = (expected: string): Checked => wrong(`expected ${expected}, got ${shown(value, known)}`);
  switch (known.kind) {
    case "secret":
      if (isSecret(value)) return { value };
      return typeof value === "string" && value.trim() !== "" ? { value: new Secret(value.trim()) } : bad("a key");
    case "version":
      return value === 1
        ? { value }
        : bad("1, the only version that this Atlas reads; update Atlas if the file is newer");
    case "integer":
      return isWhole(value, known.minimum ?? 0) ? { value } : bad(`a whole number of at least ${known.minimum ?? 0}`);
    case "decimal":
      return isAmount(value, known.minimum ?? 0) ? { value } : bad(`a number of at least ${known.minimum ?? 0}`);
    case "choice":
      return checkChoice(value, known.choices ?? [], bad);
    case "data":
    case "prices":
    case "capabilities":
    case "weights":
      return isTable(value) ? checkTable(value, known.kind) : bad("a section");
    case "members":
      return checkMembers(value) ?? bad('a list of models, as in ["openai/gpt-5.4-mini", "ollama/qwen3:4b"]');
    case "name":
      return typeof value === "string" && isName(value) ? { value } : bad("a name of letters, digits, _ and -");
    case "model":
      return isModel(value) ? { value } : bad('"auto", a model as "provider/name" or a group as "group:NAME"');
    case "url":
      return typeof value === "string" && /^https?:$/.test(URL.parse(value)?.protocol ?? "")
        ? { value }
        : bad("an address that begins with http:// or https://");
    case "storage":
      if (typeof value === "string" && /^[a-z]+:\/\//i.test(value)) return checkAddress(value);
      return checkPath(value, directory, bad);
    case "path":
      return checkPath(value, directory, bad);
    case "paths":
      return isTexts(value)
        ? { value: value.map((item) => absolute(item, directory)) }
        : bad('a list of paths, as in ["docs"]');
    case "texts":
      return isTexts(value) ? { value } : bad('a list of texts, as in ["one", "two"]');
    case "text":
      return isText(value) ? { value } : bad("a text");
  }
}

function checkPath(value: unknown, directory: string, bad: (expected: string) => Checked): Checked {
  // SQLite's name for a database in memory, which would lose every run.
  if (value === ":memory:") return wrong("expected the path of a file; a database in memory is not supported");
  return isText(value) ? { value: absolute(value, directory) } : bad("a path");
}

/** Nothing of the address is told: it may hold a password. */
function checkAddress(value: string): Checked {
  return isPostgresAddress(value) && URL.canParse(value)
    ? { value }
    : wrong(
        "expected a path, or an address such as postgres://user@host:5432/atlas; signs such as @ and / in a password are written as %40 and %2F",
      );
}

function checkChoice(value: unknown, choices: readonly string[], bad: (expected: string) => Checked): Checked {
  if (typeof value === "string" && choices.includes(value)) return { value };
  const near = typeof value === "string" ? nearest(value, choices) : undefined;
  const refused = bad(`one of ${choices.join(", ")}`);
  return near === undefined || !("problems" in refused)
    ? refused
    : wrong(`${refused.problems[0]?.message}; did you mean "${near}"?`);
}

function checkTable(
  value: Readonly<Record<string, unknown>>,
  kind: "data" | "prices" | "capabilities" | "weights",
): Checked {
  const find = { data: () => [], prices: priceProblems, capabilities: capabilityProblems, weights: weightProblems };
  const problems = find[kind](value);
  return problems.length === 0 ? { value: plainData(value) } : { problems };
}

/** Checks the members of a group; undefined for what is no list of texts, or an empty one. */
function checkMembers(value: unknown): Checked | undefined {
  if (!isTexts(value) || value.length === 0) return undefined;
  const bad = value.find((each) => !isModel(each) || each === "auto" || /^group[:/]/.test(each));
  if (bad === undefined) return { value };
  const why = /^group[:/]/.test(bad) ? "; list the models of that group" : "";
  return wrong(`expected models as "provider/name", got ${described(bad)}${why}`);
}

function shown(value: unknown, known: SettingKey): string {
  return known.kind === "secret" ? kindOf(value) : described(value);
}

function isWhole(value: unknown, minimum: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= minimum;
}

function isAmount(value: unknown, minimum: number): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= minimum;
}

/** Dates of TOML become texts, and what a reader makes without a prototype becomes plain. */
function plainData(value: Readonly<Record<string, unknown>>): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "" && !value.includes("\0");
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isModel(value: unknown): value is string {
  return typeof value === "string" && (value === "auto" || /^([A-Za-z0-9_-]+\/\S+|group:[A-Za-z0-9_-]+)$/.test(value));
}

function absolute(path: string, directory: string): string {
  return path === "~" || path.startsWith("~/") ? resolve(homedir(), path.slice(2)) : resolve(directory, path);
}
