import type { JsonObject } from "../base/index.ts";
import { Secret, createRedactor } from "../security/index.ts";

/** Is a value of one setting as Atlas keeps it. */
export type SettingValue = string | number | readonly string[] | Secret | JsonObject;

/** Is a value as it is shown; a table is shown as JSON. */
export type ShownValue = string | number | readonly string[];

/** Is one setting that a source gives. `origin` is for people: `atlas.toml:3`, `environment ATLAS_MODEL`, `default`. */
export interface SettingEntry {
  readonly key: string;
  readonly value: SettingValue;
  readonly origin: string;
  /** Says where a key inside a table stands; left out where that is no other place. */
  readonly originAt?: (inner: readonly string[]) => string;
}

/** Is one thing that is wrong with a setting, in a sentence that says where, what was expected and what to do. */
export interface SettingProblem {
  readonly key: string;
  readonly origin: string;
  readonly message: string;
}

/** Is what a source was read to. */
export interface SettingsRead {
  readonly entries: readonly SettingEntry[];
  readonly problems: readonly SettingProblem[];
  readonly warnings: readonly string[];
}

const redact = createRedactor();

/** Gives a value as it may be shown: secrets masked, credentials in addresses taken out. */
export function shownValue(value: SettingValue): ShownValue {
  if (typeof value === "number") return value;
  if (typeof value === "string") return redact(value);
  if (value instanceof Secret) return value.toString();
  return isList(value) ? value.map((item) => redact(item)) : redact(JSON.stringify(value));
}

function isList(value: readonly string[] | JsonObject): value is readonly string[] {
  return Array.isArray(value);
}
