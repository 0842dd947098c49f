import type { JsonObject, JsonValue, Schema } from "../base/index.ts";
import { checkSchema, describeIssues, isJsonObject, parseJson } from "../base/index.ts";
import { type Message, systemMessage } from "./message.ts";

/** Is the outcome of reading an answer that should follow a schema; `problem` tells the model what to correct. */
export type StructuredAnswer<Output = unknown> =
  | { readonly ok: true; readonly value: Output }
  | { readonly ok: false; readonly problem: string };

/** Reads an answer as JSON, also from inside a code fence or beside other text, and checks it against the schema. */
export async function readStructured<Output>(
  schema: Schema<unknown, Output>,
  text: string,
): Promise<StructuredAnswer<Output>> {
  let problem: string | undefined;
  for (const value of candidates(text)) {
    const checked = await checkSchema(schema, value);
    if (checked.ok) return checked;
    problem ??= `The JSON does not follow the schema: ${describeIssues(checked.issues)}.`;
  }
  return { ok: false, problem: problem ?? "The answer is not JSON." };
}

/** Finds a JSON object in an answer, also inside a code fence or beside other text; undefined where there is none. */
export function findObject(text: string): JsonObject | undefined {
  for (const value of candidates(text)) if (isJsonObject(value)) return value;
  return undefined;
}

const brackets = [
  ["{", "}"],
  ["[", "]"],
] as const;

/** Finds what may be the JSON: the whole, what is fenced, what stands in brackets (which marks of citations are too). */
function* candidates(text: string): Generator<JsonValue> {
  const fenced = fencedIn(text);
  const enclosed = brackets.map(([open, close]) =>
    text.slice(Math.max(0, text.indexOf(open)), text.lastIndexOf(close) + 1),
  );
  for (const part of [text, fenced, ...enclosed]) {
    try {
      yield parseJson(part.trim(), "the answer");
    } catch {
      // The next part may be the JSON.
    }
  }
}

/**
 * Gives what stands in the first code fence of JSON. Searched for fence by fence, because one pattern for it all grows with
 * the square of an answer.
 */
function fencedIn(text: string): string {
  for (let open = text.indexOf("```"); open >= 0;) {
    const start = text.indexOf("\n", open);
    const end = start < 0 ? -1 : text.indexOf("```", start);
    if (end < 0) return "";
    const language = text.slice(open + 3, start).trim();
    if (language === "" || language === "json") return text.slice(start + 1, end);
    open = text.indexOf("```", end + 3);
  }
  return "";
}

/** Asks for a form in words, at the end of the system message: for models that cannot be made to follow a schema. */
export function withSchemaInstruction(messages: readonly Message[], schema: JsonObject): readonly Message[] {
  const words = schemaInstruction(schema);
  const [first, ...others] = messages;
  if (first?.role !== "system") return [systemMessage(words), ...messages];
  return [{ ...first, content: [...first.content, { type: "text", text: `\n\n${words}` }] }, ...others];
}

/** Says in words what form the answer must have, for models that cannot be made to follow a schema. */
export function schemaInstruction(schema: JsonObject): string {
  return `Answer with one JSON value and nothing else. It must follow this JSON Schema:\n${JSON.stringify(schema)}`;
}
