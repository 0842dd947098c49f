import type { AtlasError, ErrorData, JsonObject, JsonValue } from "../base/index.ts";
import { isAtlasError, stringifyJson } from "../base/index.ts";
import { runErrors } from "./errors.ts";

const maxMessageLength = 10_000;
const maxDetailsLength = 100_000;

/**
 * Gives a value as the log will give it back, so that whoever gets it at once and whoever reads it later see the same.
 * What has a JSON form of its own (a date) takes it; what JSON would lose without a word (a Map, NaN, a function) is refused.
 *
 * Errors: step_not_json; the message names `what`.
 */
export function toPlain(value: unknown, what: string): JsonValue | undefined {
  if (value === undefined) return value;
  const copy = copyOf(value, 0);
  if (copy !== notPlain) return copy;
  const lost = findLost(value, 0);
  if (lost !== undefined) throw notJson(`The ${what} holds ${wordsOf(lost)}, which JSON cannot keep.`, what);
  return JSON.parse(writeJson(value, what)) as JsonValue;
}

/** Writes a value of a log as JSON; undefined stays undefined. Errors: step_not_json for one that is too long. */
export function toText(plain: JsonValue | undefined, what: string): string | undefined {
  return plain === undefined ? undefined : writeJson(plain, what);
}

function writeJson(value: unknown, what: string): string {
  try {
    return stringifyJson(value, what);
  } catch (cause) {
    throw notJson(isAtlasError(cause) ? cause.message : String(cause), what, cause);
  }
}

const notPlain = Symbol("not plain");
const deepest = 100;

/** Copies what is plain data, as writing and reading it as JSON would; gives up at anything else. */
function copyOf(value: unknown, depth: number): JsonValue | typeof notPlain {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  // There is no -0 in JSON.
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : notPlain;
  if (typeof value !== "object" || depth > deepest) return notPlain;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Array.prototype && Array.isArray(value)) return copyOfList(value, depth);
  if (prototype !== Object.prototype && prototype !== null) return notPlain;
  const copy: Record<string, JsonValue> = {};
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    if (key === "toJSON" || key === "__proto__") return notPlain;
    const item: unknown = Reflect.get(value, key);
    if (item === undefined) continue;
    const copied = copyOf(item, depth + 1);
    if (copied === notPlain) return notPlain;
    copy[key] = copied;
  }
  return copy;
}

function copyOfList(items: readonly unknown[], depth: number): JsonValue[] | typeof notPlain {
  const copy: JsonValue[] = [];
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const copied = item === undefined ? null : copyOf(item, depth + 1);
    if (copied === notPlain) return notPlain;
    copy.push(copied);
  }
  return copy;
}

function notJson(message: string, what: string, cause?: unknown): AtlasError {
  return runErrors.create("step_not_json", message, { details: { what }, cause });
}

/** Is a part of a value that JSON would drop or bend. Order: the innermost key first. */
interface Lost {
  readonly what: string;
  readonly keys: string[];
}

function wordsOf({ what, keys }: Lost): string {
  return keys.length === 0 ? what : `${what} at ${keys.toReversed().join(".")}`;
}

/** Finds the first part of a value that JSON would drop or bend. Cycles are left to the writing of the JSON, which finds them. */
function findLost(value: unknown, depth: number): Lost | undefined {
  if (typeof value === "string") return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : { what: `the number ${value}`, keys: [] };
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint")
    return { what: `a ${typeof value}`, keys: [] };
  if (typeof value !== "object" || value === null || depth > deepest) return undefined;
  if ("toJSON" in value && typeof value.toJSON === "function" && !ArrayBuffer.isView(value)) return undefined;
  if (Array.isArray(value)) return findLostItem(value, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = value.constructor?.name ?? "object";
    if (
      ["Map", "Set", "WeakMap", "WeakSet", "Promise", "RegExp"].includes(name) ||
      value instanceof Error ||
      ArrayBuffer.isView(value)
    ) {
      return { what: `a ${name}`, keys: [] };
    }
  }
  for (const key in value) {
    const lost = Object.hasOwn(value, key) ? findLost(Reflect.get(value, key), depth + 1) : undefined;
    if (lost !== undefined) return within(lost, key);
  }
  return undefined;
}

function findLostItem(items: readonly unknown[], depth: number): Lost | undefined {
  for (let index = 0; index < items.length; index++) {
    const lost = findLost(items[index], depth + 1);
    if (lost !== undefined) return within(lost, String(index));
  }
  return undefined;
}

function within(lost: Lost, key: string): Lost {
  lost.keys.push(key);
  return lost;
}

/** Gives an error as a log can hold it: of a bounded size, without details that are no JSON. */
export function dataOf(error: AtlasError): ErrorData {
  const data = error.toJSON();
  const message = data.message.length > maxMessageLength ? `${data.message.slice(0, maxMessageLength)}…` : data.message;
  let details: JsonObject = {};
  try {
    details = JSON.parse(stringifyJson(data.details, "details of an error", maxDetailsLength)) as JsonObject;
  } catch {
    // The code and the message say what happened.
  }
  return { ...data, message, details };
}
