import type { JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";

/** Is a place in JSON: keys of objects and indexes of lists, from the outside in. Empty is the whole value. */
export type JsonPath = readonly string[];

/**
 * Reads how a place is written: as a JSON Pointer (`/choices/0/delta`) or dotted (`choices[0].delta`, `["odd key"].text`);
 * `$` or nothing is the whole value. Undefined when it is neither.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  if (text === "" || text === "$") return [];
  if (text.startsWith("/")) return parsePointer(text);
  const dotted = text.startsWith("$.") ? text.slice(2) : text;
  const path: string[] = [];
  const piece = /(?:^|(?!^)\.)([^.[\]"]+)|\[(\d+)\]|\["([^"]+)"\]/y;
  for (let at = 0; at < dotted.length; at = piece.lastIndex) {
    piece.lastIndex = at;
    const found = piece.exec(dotted);
    if (found === null) return undefined;
    path.push(found[1] ?? found[2] ?? found[3] ?? "");
  }
  return path;
}

function parsePointer(text: string): JsonPath | undefined {
  if (/~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Reads what stands at a place; undefined when nothing does. Only a value's own keys count. */
export function readAt(value: JsonValue | undefined, path: JsonPath): JsonValue | undefined {
  let at = value;
  for (const key of path) {
    if (Array.isArray(at)) at = /^\d+$/.test(key) ? (at[Number(key)] as JsonValue | undefined) : undefined;
    else if (isJsonObject(at)) at = Object.hasOwn(at, key) ? at[key] : undefined;
    else return undefined;
  }
  return at;
}
