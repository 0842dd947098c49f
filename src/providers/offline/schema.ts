import type { JsonObject } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";

const maxHops = 8;

/** Follows `$ref` inside one JSON Schema, and takes the first alternative of a nullable one that is not null. */
export function resolveSchema(schema: JsonObject, root: JsonObject): JsonObject {
  let current = schema;
  for (let hop = 0; hop < maxHops; hop++) {
    const alternatives = Array.isArray(current["anyOf"]) ? current["anyOf"] : Array.isArray(current["oneOf"]) ? current["oneOf"] : [];
    const solid = alternatives.find((each) => isJsonObject(each) && each["type"] !== "null");
    if (typeof current["$ref"] === "string") current = pointed(current["$ref"], root);
    else if (isJsonObject(solid)) current = solid;
    else break;
  }
  const { type } = current;
  if (!Array.isArray(type)) return current;
  return { ...current, type: type.find((each) => each !== "null") ?? "null" };
}

function pointed(reference: string, root: JsonObject): JsonObject {
  let value: JsonObject = root;
  for (const key of reference.replace(/^#\/?/, "").split("/").filter((part) => part !== "")) {
    const next = value[key.replaceAll("~1", "/").replaceAll("~0", "~")];
    if (!isJsonObject(next)) return {};
    value = next;
  }
  return value;
}
