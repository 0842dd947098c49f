import type { JsonValue } from "../../base/index.ts";

/** Writes a tool's output as the text that a model reads. */
export function toolText(output: JsonValue): string {
  return typeof output === "string" ? output : JSON.stringify(output);
}
