import type { JsonObject, JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";

/**
 * Is a condition on the state as plain data. `path` is dotted; all that a test names must hold. `is` and `not` compare plain
 * data, `in` looks into a list, `has` finds an item in a list or a piece of a text, `exists` tells whether anything is there.
 */
export type ConditionData =
  | {
      readonly path: string;
      readonly is?: JsonValue;
      readonly not?: JsonValue;
      readonly in?: readonly JsonValue[];
      readonly has?: JsonValue;
      readonly lt?: number | string;
      readonly lte?: number | string;
      readonly gt?: number | string;
      readonly gte?: number | string;
      readonly exists?: boolean;
    }
  | { readonly all: readonly ConditionData[] }
  | { readonly any: readonly ConditionData[] }
  | { readonly none: readonly ConditionData[] };

/**
 * Is a function of a state that an edge asks, and of the params of the node that it leads out of. It must be pure, since a run that
 * is taken up asks it again.
 */
export type StateFunction<State, Result> = (state: Readonly<State>, params: JsonObject) => Result;

/** Is what an edge may ask of the state: whether, where to, or for which items. */
export type AnyStateFunction<State> = StateFunction<State, unknown>;

/** Is a condition of an edge: plain data, the name of one of the graph's `conditions`, or a function. */
export type Condition<State> = ConditionData | string | StateFunction<State, boolean>;

/** Tells whether a condition holds for a state. */
export function holds(condition: ConditionData, state: JsonObject): boolean {
  if ("all" in condition) return condition.all.every((each) => holds(each, state));
  if ("any" in condition) return condition.any.some((each) => holds(each, state));
  if ("none" in condition) return !condition.none.some((each) => holds(each, state));
  const { path, is, not, in: list, has, lt, lte, gt, gte, exists } = condition;
  const value = valueAt(state, path);
  if (exists !== undefined && exists !== (value !== undefined && value !== null)) return false;
  if (is !== undefined && !isSame(value, is)) return false;
  if (not !== undefined && isSame(value, not)) return false;
  if (list !== undefined && !list.some((each) => isSame(value, each))) return false;
  if (has !== undefined && !contains(value, has)) return false;
  if (lt !== undefined && !(compare(value, lt) < 0)) return false;
  if (lte !== undefined && !(compare(value, lte) <= 0)) return false;
  if (gt !== undefined && !(compare(value, gt) > 0)) return false;
  return gte === undefined || compare(value, gte) >= 0;
}

const deepestCondition = 50;
const tests: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  is: () => true,
  not: () => true,
  has: () => true,
  in: (value) => Array.isArray(value),
  lt: isBound,
  lte: isBound,
  gt: isBound,
  gte: isBound,
  exists: (value) => typeof value === "boolean",
};

/** Tells what is wrong with a condition that comes from JSON, or from where no compiler looked; undefined when it can be asked. */
export function conditionProblem(condition: JsonValue | undefined, depth = 0): string | undefined {
  if (!isJsonObject(condition ?? null)) return "has a condition that is neither an object nor a name";
  if (depth === deepestCondition) return `has a condition of more than ${deepestCondition} levels`;
  const { path, ...rest } = condition as JsonObject;
  const join = ["all", "any", "none"].find((each) => Object.hasOwn(rest, each));
  if (path === undefined && join !== undefined) {
    const { [join]: list, ...more } = rest;
    if (!Array.isArray(list)) return `has a condition whose ${join} is no list`;
    if (Object.keys(more).length > 0) return `has a condition with more beside its ${join}`;
    return (list as readonly JsonValue[]).map((each) => conditionProblem(each, depth + 1)).find(Boolean);
  }
  if (typeof path !== "string") return "has a condition without a path";
  const named = Object.entries(rest).filter(([, value]) => value !== undefined);
  for (const [test, value] of named) {
    if (!Object.hasOwn(tests, test))
      return `has a condition on ${path} with ${JSON.stringify(test)}, which is no test; tests are: ${Object.keys(tests).join(", ")}`;
    if (tests[test]?.(value) === false) return `has a condition on ${path} whose ${test} is of the wrong kind`;
  }
  return named.length > 0 ? undefined : `has a condition that tests nothing of ${path}; say what, such as is: true`;
}

function isBound(value: JsonValue): boolean {
  return typeof value === "number" || typeof value === "string";
}

/** Writes a condition for people: `score < 8`. */
export function describeCondition(condition: ConditionData): string {
  if ("all" in condition) return condition.all.map(describeCondition).join(" and ");
  if ("any" in condition) return condition.any.map(describeCondition).join(" or ");
  if ("none" in condition) return `not (${condition.none.map(describeCondition).join(" or ")})`;
  const { path, ...tests } = condition;
  const words = Object.entries(tests).map(
    ([test, value]) => `${path} ${symbols[test] ?? test} ${JSON.stringify(value)}`,
  );
  return words.length === 0 ? path : words.join(" and ");
}

const symbols: Readonly<Record<string, string>> = { is: "=", not: "≠", lt: "<", lte: "≤", gt: ">", gte: "≥" };

/** Gives what stands at a dotted path of a state; undefined when nothing does. */
export function valueAt(state: JsonValue, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = state;
  for (const key of path.split(".")) {
    if (Array.isArray(value)) value = (value as readonly JsonValue[])[Number(key)];
    else if (isJsonObject(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}

function isSame(a: JsonValue | undefined, b: JsonValue): boolean {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return a === b;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  if (Array.isArray(a) !== Array.isArray(b) || left.length !== right.length) return false;
  const other = new Map(right);
  return left.every(([key, value]) => {
    const there = other.get(key);
    return there !== undefined && isSame(value, there);
  });
}

function contains(value: JsonValue | undefined, piece: JsonValue): boolean {
  if (typeof value === "string") return typeof piece === "string" && value.includes(piece);
  return Array.isArray(value) && value.some((each: JsonValue) => isSame(each, piece));
}

/** Gives a number below, at or above 0; NaN, which fulfils nothing, for values that cannot be compared. */
function compare(value: JsonValue | undefined, bound: number | string): number {
  if (typeof value === "number" && typeof bound === "number") return value - bound;
  if (typeof value === "string" && typeof bound === "string") return value < bound ? -1 : value > bound ? 1 : 0;
  return Number.NaN;
}
