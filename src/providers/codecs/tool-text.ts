import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { ToolResultPart } from "../message.ts";

/** Writes a tool's output as the text that a model reads. */
export function toolText(output: JsonValue): string {
  return typeof output === "string" ? output : JSON.stringify(output);
}

/** Writes a result for a format that has no mark for a failure. */
export function resultText(part: ToolResultPart): string {
  return part.failed === true ? JSON.stringify({ error: part.output }) : toolText(part.output);
}

/** Writes the input of a call that was made. What is no object, such as an input that was no JSON, is put into one: no provider takes it otherwise. */
export function callInput(input: JsonValue): JsonObject {
  return isJsonObject(input) ? input : { invalid_input: input };
}
