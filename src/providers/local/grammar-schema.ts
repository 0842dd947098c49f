import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { LocalFailure } from "./engine.ts";

/**
 * Rewrites a JSON Schema (draft 2020-12) to the part of it that a grammar can hold a model to. What a grammar cannot count or
 * match (`minimum`, `pattern`, …) is left out, so an answer still has to be checked; every answer that the grammar allows has
 * the right keys and types.
 *
 * Errors: LocalFailure `schema` for a reference that leads outside the schema, or a schema that allows nothing.
 */
export function grammarSchema(schema: JsonValue): JsonObject {
  if (schema === true) return {};
  if (!isJsonObject(schema)) throw unsupported("allows nothing");
  const { $ref, $defs, definitions, allOf, type } = schema;
  const defs = isJsonObject($defs) ? $defs : isJsonObject(definitions) ? definitions : undefined;
  const scope = defs === undefined ? {} : { $defs: mapValues(defs) };
  if (typeof $ref === "string") return { ...scope, $ref: localReference($ref) };
  const choices = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(choices)) return { ...scope, oneOf: choices.map(grammarSchema) };
  if (Array.isArray(allOf)) return { ...scope, ...grammarSchema(joined(schema, allOf)) };
  if (Array.isArray(type))
    return { ...scope, oneOf: type.map((one: JsonValue) => grammarSchema({ ...schema, type: one })) };
  return { ...scope, ...bare(schema) };
}

const kept = ["type", "const", "enum", "minLength", "maxLength", "minItems", "maxItems"];
const formats = ["date-time", "time", "date"];

function bare(schema: JsonObject): JsonObject {
  const known = Object.fromEntries(Object.entries(schema).filter(([key]) => kept.includes(key)));
  const { properties, items, prefixItems, additionalProperties, format } = schema;
  switch (schema["type"] ?? (isJsonObject(properties) ? "object" : undefined)) {
    case "object": {
      const named = isJsonObject(properties) ? mapValues(properties) : {};
      // Without any names, the object is a map of whatever the schema says of its values.
      const others = Object.keys(named).length > 0 ? false : additionalProperties;
      const open = isJsonObject(others) ? grammarSchema(others) : others !== false;
      return { ...known, type: "object", properties: named, additionalProperties: open };
    }
    case "array":
      return {
        ...known,
        ...(Array.isArray(prefixItems) && { prefixItems: prefixItems.map(grammarSchema) }),
        ...(items !== undefined && items !== false && { items: grammarSchema(items) }),
      };
    case "string":
      return { ...known, ...(typeof format === "string" && formats.includes(format) && { format }) };
    default:
      return known;
  }
}

/** Joins the parts of an `allOf` to one schema; where they name the same, the last one counts, but properties add up. */
function joined(schema: JsonObject, parts: readonly JsonValue[]): JsonObject {
  const own = Object.fromEntries(Object.entries(schema).filter(([key]) => key !== "allOf"));
  return parts.filter(isJsonObject).reduce<JsonObject>((whole, part) => {
    const before = isJsonObject(whole["properties"]) ? whole["properties"] : {};
    const more = isJsonObject(part["properties"]) ? part["properties"] : {};
    const properties = { ...before, ...more };
    return { ...whole, ...part, ...(Object.keys(properties).length > 0 && { properties }) };
  }, own);
}

function mapValues(schemas: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schemas).map(([key, value]) => [key, grammarSchema(value)]));
}

function localReference(reference: string): string {
  const name = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(reference)?.[1];
  if (name === undefined) throw unsupported("refers to something outside of its own $defs");
  return `#/$defs/${name}`;
}

function unsupported(what: string): LocalFailure {
  return new LocalFailure("schema", `cannot be held to a schema that ${what}`);
}
