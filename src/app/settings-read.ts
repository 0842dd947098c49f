import { homedir } from "node:os";
import { resolve } from "node:path";
import { Secret, createRedactor, isSecret } from "../security/index.ts";
import type { JsonObject } from "../base/index.ts";
import { nearest } from "./nearest.ts";
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
      if ("message" in checked) report(path, checked.message);
      else entries.push({ key, value: checked.value, origin: context.originOf(path) });
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

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !isSecret(value) && !(value instanceof Date)
  );
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

/** Checks one value against its description; a message says what was expected, never a secret's value. */
export function checkValue(value: unknown, known: SettingKey, directory: string): Outcome<SettingValue> {
  const bad = (expected: string): Outcome<SettingValue> => ({
    message: `expected ${expected}, got ${described(value, known)}`,
  });
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
    case "data":
      return isTable(value) ? { value: plainData(value) } : bad("a section");
    case "choice": {
      const choices = known.choices ?? [];
      if (typeof value === "string" && choices.includes(value)) return { value };
      const near = typeof value === "string" ? nearest(value, choices) : undefined;
      const wrong = bad(`one of ${choices.join(", ")}`);
      return near === undefined || !("message" in wrong)
        ? wrong
        : { message: `${wrong.message}; did you mean "${near}"?` };
    }
    case "model":
      return isModel(value) ? { value } : bad('"auto", a model as "provider/name" or a group as "group:NAME"');
    case "url":
      return typeof value === "string" && /^https?:$/.test(URL.parse(value)?.protocol ?? "")
        ? { value }
        : bad("an address that begins with http:// or https://");
    case "path":
      // SQLite's name for a database in memory, which would lose every run.
      if (value === ":memory:")
        return { message: "expected the path of a file; a database in memory is not supported" };
      return isText(value) ? { value: absolute(value, directory) } : bad("a path");
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

const redact = createRedactor();

function described(value: unknown, known: SettingKey): string {
  if (known.kind === "secret" || typeof value === "object") return kindOf(value);
  if (typeof value === "string" && value.length > 40) return `a text of ${value.length} characters`;
  if (typeof value === "string") return `${kindOf(value)} ${JSON.stringify(redact(value))}`;
  return typeof value === "number" || typeof value === "boolean" ? `${kindOf(value)} ${value}` : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "string") return value.trim() === "" ? "an empty text" : "the text";
  if (typeof value === "number" || typeof value === "bigint") return "the number";
  if (typeof value === "boolean") return "the truth value";
  return typeof value === "object" ? "a section" : "something else";
}
