import type { JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";

const bullet = /^\s*(?:[-*•]|\d{1,3}[.)])\s+/;

/**
 * Reads a list from what a member gave: the list itself, the only list in an object, JSON in a text, the points of a list in a text, or
 * its lines.
 */
export function listOf(output: JsonValue): readonly JsonValue[] {
  if (Array.isArray(output)) return output as readonly JsonValue[];
  if (isJsonObject(output)) {
    const lists = Object.values(output).filter((each) => Array.isArray(each));
    const [only] = lists;
    return lists.length === 1 && Array.isArray(only) ? (only as readonly JsonValue[]) : [output];
  }
  if (typeof output !== "string") return output === null ? [] : [output];
  const parsed = parsedOf(output);
  if (parsed !== undefined) return listOf(parsed);
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const points = lines.filter((line) => bullet.test(line));
  return (points.length > 0 ? points : lines).map((line) => line.replace(bullet, "").trim());
}

/** Splits a goal into what it asks, without a model: its lines and sentences. Shape: at least one part. */
export function splitGoal(goal: string): readonly string[] {
  const parts = goal
    .split(/\n+|(?<=[?!;])\s+|(?<=[^\d\s.]\.)\s+(?=\p{Lu})/u)
    .map((part) => part.replace(bullet, "").replace(/;$/, "").trim())
    .filter((part) => part !== "");
  return parts.length === 0 ? [goal] : parts;
}

function parsedOf(text: string): JsonValue | undefined {
  const body = text.trim().replace(/^```(?:json)?\s*|\s*```$/g, "");
  if (!/^[[{]/.test(body)) return undefined;
  try {
    return JSON.parse(body) as JsonValue;
  } catch {
    return undefined;
  }
}
