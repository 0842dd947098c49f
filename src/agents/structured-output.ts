import type { JsonObject, JsonValue, Schema } from "../base/index.ts";
import { checkSchema, describeIssues, parseJson } from "../base/index.ts";

/** Is the outcome of reading an answer that should follow a schema; `problem` tells the model what to correct. */
export type StructuredAnswer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string };

/** Reads an answer as JSON, also from inside a code fence or beside other text, and checks it against the schema. */
export async function readStructured(schema: Schema, text: string): Promise<StructuredAnswer> {
  let value: JsonValue | undefined;
  for (const candidate of candidates(text)) {
    try {
      value = parseJson(candidate, "the answer");
      break;
    } catch {
      // The next candidate may be the JSON.
    }
  }
  if (value === undefined) return { ok: false, problem: "The answer is not JSON." };
  const checked = await checkSchema(schema, value);
  return checked.ok ? checked : { ok: false, problem: `The JSON does not follow the schema: ${describeIssues(checked.issues)}.` };
}

function candidates(text: string): string[] {
  const fenced = /```(?:json)?\s*\n([\s\S]*?)```/.exec(text)?.[1];
  const first = text.search(/[[{]/);
  const last = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"));
  return [text.trim(), ...(fenced === undefined ? [] : [fenced]), ...(first >= 0 && last > first ? [text.slice(first, last + 1)] : [])];
}

/** Says in words what form the answer must have, for models that cannot be made to follow a schema. */
export function schemaInstruction(schema: JsonObject): string {
  return `Answer with one JSON value and nothing else. It must follow this JSON Schema:\n${JSON.stringify(schema)}`;
}
