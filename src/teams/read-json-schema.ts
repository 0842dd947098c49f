import { z } from "zod";
import type { JsonObject, JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";

/**
 * Makes a schema of a JSON schema that a model or a stranger wrote; undefined where it cannot be read, or has a pattern that some text
 * could keep busy for ever: checking what it says stops everything else in the process.
 */
export function readJsonSchema(schema: JsonObject): z.ZodType | undefined {
  try {
    const read = z.json().parse(schema);
    return hasSlowPattern(read) ? undefined : z.fromJSONSchema(read as Parameters<typeof z.fromJSONSchema>[0]);
  } catch {
    return undefined;
  }
}

function hasSlowPattern(value: JsonValue): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, part]) => {
    if (key === "pattern" && typeof part === "string") return isSlow(part);
    const isNamed = key === "patternProperties" && isJsonObject(part);
    return (isNamed && Object.keys(part).some((each) => isSlow(each))) || hasSlowPattern(part);
  });
}

const maxLength = 1_000;
const mostRepeated = 100;

/** Tells whether a pattern may go back over a text again and again: a group that is repeated, or two parts without an end. */
function isSlow(pattern: string): boolean {
  const plain = pattern.replaceAll(/\\./gs, "x").replaceAll(/\[[^\]]*\]/g, "x");
  const repeated = [...plain.matchAll(/[*+]|\{(\d*)(,?)(\d*)\}/g)].filter(([, least = "", comma, most = ""]) =>
    comma === undefined ? true : comma === "," && most === "" ? true : Number(most || least) > mostRepeated,
  );
  return pattern.length > maxLength || /\\[1-9k]/.test(pattern) || /\)[*+{]/.test(plain) || repeated.length > 1;
}
