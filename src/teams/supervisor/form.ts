import type { JsonObject, Schema } from "../../base/index.ts";
import { isJsonObject, parseJson } from "../../base/index.ts";
import { findObject, readStructured } from "../../providers/index.ts";
import { readJsonSchema } from "../read-json-schema.ts";
import type { FormName } from "./message.ts";

/** Is the form that a result is wanted in, and where that was read. */
export type Form = {
  readonly name: FormName;
  readonly source: "goal" | "reasoning" | "options" | "default";
  /** The JSON schema that the result must follow. */
  readonly schema?: JsonObject;
};

const into = String.raw`\b(?:as|in|into|to|make|write|give|draw|build|create|produce|compose|draft|return|output|format(?:ted)?)\b[^.?!\n]{0,40}?`;
const patterns: readonly (readonly [FormName, RegExp])[] = [
  ["json", new RegExp(String.raw`${into}\bjson\b`, "i")],
  [
    "table",
    new RegExp(String.raw`${into}\b(?:an? |the |one )?(?:\w+ )?table\b(?! of contents)|\bin tabular form\b`, "i"),
  ],
  [
    "letter",
    /\b(?:write|draft|compose|make|create)\b[^.?!\n]{0,30}?\b(?:letter|e-?mail)\b|\bas an? (?:letter|e-?mail)\b/i,
  ],
  [
    "code",
    /\b(?:write|give|make|create|implement)\b[^.?!\n]{0,30}?\b(?:function|script|program|code|snippet)\b|\bas code\b/i,
  ],
  [
    "list",
    /\bas an? (?:\w+ )?list\b|\b(?:make|write|give)\b[^.?!\n]{0,20}?\b(?:list|bullet points?)\b|\bin bullet points\b/i,
  ],
];

/** Finds in the words of a goal the form that it asks for; undefined where it names none. */
export function formOfGoal(goal: string): Form | undefined {
  const schema = schemaIn(goal);
  if (schema !== undefined) return { name: "json", source: "goal", schema };
  const found = patterns.find(([, pattern]) => pattern.test(goal));
  return found === undefined ? undefined : { name: found[0], source: "goal" };
}

const formWords = [
  /```[^]*?```/g,
  /[,;]?\s*\b(?:please )?(?:as|in|into|in the form of) (?:an? )?(?:\w+ )?(?:json|table|list|letter|e-?mail|code|bullet points)\b(?: (?:object|format|form))?/gi,
  /\b(?:write|draft|compose|make|give|create)\b[^.?!:\n]{0,40}\b(?:letter|e-?mail|table|list)\b(?: (?:to|for) (?:the )?\p{L}+)?(?:,? (?:that|which) (?:says|tells|explains|answers)| saying|:| about| of)?/giu,
];
const instructionOnly =
  /^(?:and )?(?:please )?(?:(?:give|show|write|return|present|put|answer|list|format|output|make|do)\b\s*)?(?:(?:me|us|all|the|it|them|this|that|so|answers?|results?|everything|findings)\b\s*)*[.!?:]*$/i;

/** Gives a text without the words that only say the form of the result, for whoever looks for the answer in documents; empty where nothing is left. */
export function withoutForm(text: string): string {
  const words = formWords.reduce((left, pattern) => left.replace(pattern, " "), text);
  const sentences = words.split(/(?<=[.?!])\s+|\n+/).map((each) =>
    each
      .replace(/\s+/g, " ")
      .replace(/\s+([.?!,])/g, "$1")
      .trim(),
  );
  return sentences.filter((each) => !instructionOnly.test(each)).join("\n");
}

/** Is a schema that a goal quotes: an object that has the marks of one. */
function schemaIn(goal: string): JsonObject | undefined {
  const found = /\{/.test(goal) ? findObject(goal) : undefined;
  return found !== undefined && isJsonObject(found["properties"]) ? found : undefined;
}

/** Makes a schema that answers are checked with; undefined where the JSON schema has parts that nobody can read. */
export function schemaOf(form: Form): Schema<unknown, unknown> | undefined {
  return form.schema === undefined ? undefined : readJsonSchema(form.schema);
}

/** Says what of its form a text lacks; undefined when it has it. */
export async function formProblem(
  form: Form,
  text: string,
  schema?: Schema<unknown, unknown>,
): Promise<string | undefined> {
  if (form.name === "json") {
    if (schema !== undefined) {
      const read = await readStructured(schema, text);
      return read.ok ? undefined : read.problem;
    }
    return jsonIn(text) === undefined ? "The result is not JSON." : undefined;
  }
  if (form.name === "table")
    return /^\s*\|.*\|\s*\n\s*\|[\s:|-]+\|\s*\n\s*\|/m.test(text)
      ? undefined
      : "The result has no table with a head and a row.";
  if (form.name === "list") return /^\s*(?:[-*+•]|\d+[.)])\s+\S/m.test(text) ? undefined : "The result has no list.";
  if (form.name === "code") return /```|^(?: {4}|\t)\S/m.test(text) ? undefined : "The result has no block of code.";
  if (form.name === "letter")
    return /^\s*(?:dear|hello|hi|to)\b/im.test(text) ? undefined : "The result does not begin as a letter does.";
  return text.trim() === "" ? "The result is empty." : undefined;
}

/** Gives the JSON of a text, also from inside a fence. */
export function jsonIn(text: string): unknown {
  try {
    return parseJson(text.trim(), "the result");
  } catch {
    return findObject(text);
  }
}
