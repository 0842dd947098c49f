import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { ToolDefinition } from "../message.ts";
import { refusal, type RequestTarget } from "./target.ts";

/**
 * Reads the schema of a tool's input as providers take it: its root is an object, which names its properties even if it has none.
 *
 * Errors: provider_invalid_request when it is none, naming the tool.
 */
export function toolSchema({ name, inputSchema }: ToolDefinition, target: RequestTarget): JsonObject {
  // OpenAI refuses an object that says nothing of its properties.
  const properties = inputSchema["properties"] === undefined ? { properties: {} } : {};
  if (inputSchema["type"] === "object") return { ...inputSchema, ...properties };
  const open = ["anyOf", "oneOf", "allOf", "$ref"].every((key) => inputSchema[key] === undefined);
  if (inputSchema["type"] === undefined && open) return { type: "object", ...inputSchema, ...properties };
  const message = `takes no tool whose input is not an object; wrap the input of ${name} in one`;
  throw refusal(target, message, "tools");
}

/** Names what OpenAI does not take in a schema that it holds an answer to. */
const laxKeywords = new Set([
  "allOf",
  "default",
  "dependentRequired",
  "dependentSchemas",
  "else",
  "if",
  "not",
  "oneOf",
  "patternProperties",
  "propertyNames",
  "then",
  "unevaluatedProperties",
  "uniqueItems",
]);

/** Tells whether OpenAI can hold an answer to a schema: its objects are closed and require all their keys. */
export function isStrictSchema(schema: JsonValue): boolean {
  return isJsonObject(schema) && schema["type"] === "object" && isStrict(schema);
}

function isStrict(schema: JsonValue | undefined): boolean {
  if (Array.isArray(schema)) return schema.every((item: JsonValue) => isStrict(item));
  if (!isJsonObject(schema)) return true;
  const { properties, $defs, ...rest } = schema;
  if (schema["type"] === "object") {
    const required = schema["required"];
    if (schema["additionalProperties"] !== false || !Array.isArray(required)) return false;
    if (isJsonObject(properties) && Object.keys(properties).some((key) => !required.includes(key))) return false;
  }
  for (const named of [properties, $defs]) {
    if (isJsonObject(named) && !Object.values(named).every((item) => isStrict(item))) return false;
  }
  // What stands in an enumeration is no schema.
  return Object.entries(rest).every(
    ([key, value]) => !laxKeywords.has(key) && (key === "enum" || key === "const" || isStrict(value)),
  );
}
