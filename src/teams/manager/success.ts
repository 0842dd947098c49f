import { z } from "zod";
import type { AgentResult } from "../../agents/index.ts";
import type { JsonValue } from "../../base/index.ts";
import { parseJson } from "../../base/index.ts";
import { readJsonSchema } from "../read-json-schema.ts";
import type { SuccessCheck } from "./plan.ts";

/** Is the result of a task. */
export type TaskResult = AgentResult<JsonValue>;

/** Is the schema of what a judge says. */
export const verdictSchema = z.object({ accepted: z.boolean(), reason: z.string().max(4000).default("") });

/**
 * Tells why the answer of a task is no success; nothing where it is one. Questions for a judge are left to the judge. An answer that is
 * empty, or of a model that says that it did not answer, is none in any case.
 */
export function failedChecks(checks: readonly SuccessCheck[], result: TaskResult): readonly string[] {
  const reasons = checks.flatMap((check) => failed(check, result) ?? []);
  if (result.text.trim() === "") reasons.unshift("the answer is empty");
  else if (result.metadata["answered"] === false) reasons.unshift("the documents do not hold an answer");
  return reasons;
}

/** Lists the questions that a judge is to answer. */
export function judgeQuestions(checks: readonly SuccessCheck[]): readonly string[] {
  return checks.flatMap((check) => (check.kind === "judge" ? [check.question] : []));
}

/**
 * Answers a judge's question where no model can: by the sources. What is verified in the documents is accepted.
 */
export function judgedBySources({ citations, unverified }: TaskResult): string | undefined {
  return citations.length > 0 && unverified === 0
    ? undefined
    : "no model can judge it here, and no verified source holds it";
}

function failed(check: SuccessCheck, result: TaskResult): string | undefined {
  const { text, citations } = result;
  switch (check.kind) {
    case "contains": {
      const folded = text.toLowerCase();
      const missing = check.texts.filter((each) => !folded.includes(each.toLowerCase()));
      return missing.length === 0
        ? undefined
        : `it does not hold ${missing.map((each) => JSON.stringify(each)).join(", ")}`;
    }
    case "citations":
      return citations.length >= check.least
        ? undefined
        : `it has ${citations.length} verified sources, and ${check.least} are needed`;
    case "length":
      if (text.length < check.min) return `it has ${text.length} characters, and ${check.min} are needed`;
      return check.max !== undefined && text.length > check.max
        ? `it has ${text.length} characters, and ${check.max} are allowed`
        : undefined;
    case "schema":
      return schemaProblem(check.schema, result);
    case "judge":
      return undefined;
  }
}

function schemaProblem(schema: Extract<SuccessCheck, { kind: "schema" }>["schema"], { output, text }: TaskResult) {
  let value: JsonValue;
  try {
    value = typeof output === "string" ? parseJson(text, "the answer") : output;
  } catch {
    return "it is not JSON";
  }
  const read = readWith(schema, value);
  return read === undefined ? undefined : `it does not follow its schema: ${read}`;
}

function readWith(schema: Extract<SuccessCheck, { kind: "schema" }>["schema"], value: JsonValue): string | undefined {
  const checked = readJsonSchema(schema)?.safeParse(value);
  if (checked === undefined) return "the schema itself cannot be read";
  return checked.success ? undefined : z.prettifyError(checked.error).slice(0, 1000);
}
