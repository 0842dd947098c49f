import type { JsonValue } from "../../base/index.ts";

/** Reads what a provider sent as JSON; undefined where it is none. The caller bounds its length. */
export function readJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
