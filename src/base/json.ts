import { baseErrors } from "./errors.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";

/** Bounds what `parseJson` accepts. Units: `maxBytes` UTF-16 code units of text, `maxDepth` levels of nesting. */
export interface JsonLimits {
  readonly maxBytes?: number;
  readonly maxDepth?: number;
}

const defaultMaxBytes = 16 * 1024 * 1024;
const defaultMaxDepth = 64;

/**
 * Parses JSON from outside within limits. `__proto__` keys are refused.
 *
 * Errors: json_invalid, with the source's name and, where it is known, the position, but none of the text.
 */
export function parseJson(text: string, source = "text", limits: JsonLimits = {}): JsonValue {
  const maxBytes = limits.maxBytes ?? defaultMaxBytes;
  if (text.length > maxBytes) {
    throw baseErrors.create(
      "json_invalid",
      `The JSON of ${source} has ${text.length} characters; the limit is ${maxBytes}.`,
    );
  }
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw baseErrors.create("json_invalid", `The JSON of ${source} is broken${placeOf(cause)}.`);
  }
  checkShape(value, limits.maxDepth ?? defaultMaxDepth, source);
  return value;
}

/** Reads the place from the platform's message, which may also quote the text: only its very end is trusted. */
function placeOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : "";
  if (message === "Unexpected end of JSON input") return " at its end";
  return / at position \d+(?= \(line \d+ column \d+\)$|$)/.exec(message)?.[0] ?? "";
}

function checkShape(value: JsonValue, levels: number, source: string): void {
  if (typeof value !== "object" || value === null) return;
  if (levels === 0) throw baseErrors.create("json_invalid", `The JSON of ${source} is nested too deeply.`);
  if (Object.hasOwn(value, "__proto__")) {
    throw baseErrors.create("json_invalid", `The JSON of ${source} has a key named "__proto__".`);
  }
  for (const item of Object.values(value)) checkShape(item, levels - 1, source);
}

/**
 * Writes a value as JSON text; `undefined` becomes `null`.
 *
 * Errors: invalid_input when the value holds a cycle, a BigInt or is longer than `maxBytes`; the message names `what`.
 */
export function stringifyJson(value: unknown, what = "value", maxBytes = defaultMaxBytes): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw baseErrors.create("invalid_input", `The ${what} cannot be written as JSON; pass plain data.`, { cause });
  }
  if (text === undefined) return "null";
  if (text.length > maxBytes) {
    throw baseErrors.create(
      "invalid_input",
      `The ${what} is ${text.length} characters as JSON; the limit is ${maxBytes}.`,
    );
  }
  return text;
}

/** Tells whether a value is a JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
