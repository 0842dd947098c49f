import type { JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";

/**
 * Says how an update of one key of the state is merged into what stands there. It must be pure; its name stands for it in JSON.
 * `apply` must not change what it is given.
 */
export interface Reducer {
  readonly name: string;
  apply(value: JsonValue | undefined, update: JsonValue): JsonValue;
}

/** Makes a reducer of a function. */
export function reducer(name: string, apply: Reducer["apply"]): Reducer {
  return { name, apply };
}

/** Puts the update in the place of the value: what every key without a reducer does. */
export const replace = reducer("replace", (_, update) => update);

/** Adds to a list: the items of a list, or one item. */
export const append = reducer("append", (value, update) => [...listOf(value), ...listOf(update)]);

/** Adds those items to a list that it does not hold yet. */
export const union = reducer("union", (value, update) => {
  const seen = new Map(listOf(value).map((each) => [JSON.stringify(each), each]));
  for (const each of listOf(update)) seen.set(JSON.stringify(each), each);
  return [...seen.values()];
});

/** Puts the keys of an object over those that are there. */
export const merge = reducer("merge", (value, update) => {
  if (!isJsonObject(update)) throw new TypeError("merge takes an object");
  return { ...(isJsonObject(value) ? value : {}), ...update };
});

/** Adds a number, or puts a text behind the one that is there. */
export const add = reducer("add", (value, update) => {
  if (typeof update === "string") return `${typeof value === "string" ? value : ""}${update}`;
  return numberOf(value, 0) + numberOf(update, 0);
});

/** Keeps the greater number. */
export const max = reducer("max", (value, update) => Math.max(numberOf(value, -Infinity), numberOf(update, 0)));

/** Keeps the lesser number. */
export const min = reducer("min", (value, update) => Math.min(numberOf(value, Infinity), numberOf(update, 0)));

/** Keeps the first value that is there. */
export const first = reducer("first", (value, update) => value ?? update);

/** Holds the built-in reducers by name. */
export const builtInReducers: ReadonlyMap<string, Reducer> = new Map(
  [replace, append, union, merge, add, max, min, first].map((each) => [each.name, each]),
);

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
}

function numberOf(value: JsonValue | undefined, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== "number") throw new TypeError(`a number is needed, not a ${typeof value}`);
  return value;
}
