import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { refusal, type RequestTarget } from "./target.ts";

/** Names what Anthropic takes in a schema that it holds an answer to. The rest it is told in words. */
const taken = new Set(["type", "enum", "const", "anyOf", "allOf", "$ref", "$defs", "title", "description", "default"]);
const ofObjects = new Set(["properties", "required", "additionalProperties"]);
const formats = new Set(["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"]);

/**
 * Writes a schema as Anthropic takes it for structured output: objects are closed, and bounds that it cannot hold an answer to
 * (lengths, ranges, patterns) become a sentence of the description. Whoever asked must still check the answer.
 *
 * Errors: provider_invalid_request for an object with keys of any name: closed, it would have none.
 */
export function anthropicSchema(schema: JsonObject, target: RequestTarget): JsonObject {
  const written: { [key: string]: JsonValue } = {};
  const told: string[] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (key === "$schema") continue;
    const kept = writeKey(key, { value, schema, target });
    if (kept === undefined) told.push(`${key}: ${JSON.stringify(value)}`);
    else written[key === "oneOf" ? "anyOf" : key] = kept;
  }
  if (isObjectSchema(schema)) written["additionalProperties"] = false;
  if (told.length > 0) {
    const description = typeof schema["description"] === "string" ? `${schema["description"]} ` : "";
    written["description"] = `${description}(${told.join(", ")})`;
  }
  return written;
}

interface Place {
  readonly value: JsonValue;
  readonly schema: JsonObject;
  readonly target: RequestTarget;
}

/** Writes what stands under one key; undefined when it can only be told in words. */
function writeKey(key: string, { value, schema, target }: Place): JsonValue | undefined {
  const inner = (item: JsonValue): JsonValue => (isJsonObject(item) ? anthropicSchema(item, target) : item);
  const named = (items: JsonValue): JsonValue =>
    isJsonObject(items) ? Object.fromEntries(Object.entries(items).map(([name, item]) => [name, inner(item)])) : items;
  if (key === "properties" || key === "$defs") return named(value);
  if (key === "anyOf" || key === "allOf" || key === "oneOf") {
    return Array.isArray(value) ? value.map((item: JsonValue) => inner(item)) : undefined;
  }
  if (key === "items") return inner(value);
  if (key === "additionalProperties" && (isJsonObject(value) || value === true) && hasNoKeys(schema)) {
    throw refusal(target, "cannot answer with an object whose keys are not named in the schema", "responseFormat");
  }
  if (key === "format") return typeof value === "string" && formats.has(value) ? value : undefined;
  if (key === "minItems") return value === 0 || value === 1 ? value : undefined;
  return taken.has(key) || ofObjects.has(key) ? value : undefined;
}

function hasNoKeys({ properties }: JsonObject): boolean {
  return !isJsonObject(properties) || Object.keys(properties).length === 0;
}

function isObjectSchema(schema: JsonObject): boolean {
  return schema["type"] === "object" || schema["properties"] !== undefined;
}
