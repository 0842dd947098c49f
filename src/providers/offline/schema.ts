import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";

const maxHops = 8;

/** Follows `$ref` inside one JSON Schema, and takes the first alternative of a nullable one that is not null. */
export function resolveSchema(schema: JsonObject, root: JsonObject): JsonObject {
  let current = schema;
  for (let hop = 0; hop < maxHops; hop++) {
    const alternatives = alternativesOf(current);
    const solid = alternatives.find((each) => isJsonObject(each) && each["type"] !== "null");
    if (typeof current["$ref"] === "string") current = pointed(current["$ref"], root);
    else if (isJsonObject(solid)) current = solid;
    else break;
  }
  const types = listIn(current["type"]);
  return types.length === 0 ? current : { ...current, type: types.find((each) => each !== "null") ?? "null" };
}

/** Gives the alternatives of a schema that has `anyOf` or `oneOf`. */
export function alternativesOf(schema: JsonObject): readonly JsonValue[] {
  return listIn(schema["anyOf"] ?? schema["oneOf"]);
}

/** Gives a value's items where it is a list, else none. */
export function listIn(value: JsonValue | undefined): readonly JsonValue[] {
  const items: readonly JsonValue[] = Array.isArray(value) ? value : [];
  return items;
}

function pointed(reference: string, root: JsonObject): JsonObject {
  let value: JsonObject = root;
  for (const key of reference
    .replace(/^#\/?/, "")
    .split("/")
    .filter((part) => part !== "")) {
    const next = value[key.replaceAll("~1", "/").replaceAll("~0", "~")];
    if (!isJsonObject(next)) return {};
    value = next;
  }
  return value;
}
