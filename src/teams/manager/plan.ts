import { z } from "zod";
import type { JsonObject } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";

// Some providers take no schema of an object with any keys, so a model writes a text; a plan in a file holds the object.
const schemaText = z
  .preprocess((given) => (isJsonObject(given) ? JSON.stringify(given) : given), z.string().max(100_000))
  .transform((text, context): JsonObject => {
    const read = parsed(text);
    if (isJsonObject(read)) return read;
    context.addIssue("expected a JSON Schema as JSON in a text");
    return z.NEVER;
  });

const checkSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("contains"),
    texts: z.array(z.string().min(1)).min(1).max(20).describe("each must be in the answer, whatever its case"),
  }),
  z.object({ kind: z.literal("citations"), least: z.int().min(1).max(100).describe("verified sources") }),
  z.object({
    kind: z.literal("length"),
    min: z.int().min(0).default(1),
    max: z.int().min(1).optional().describe("characters"),
  }),
  z.object({
    kind: z.literal("schema"),
    schema: schemaText.describe("JSON Schema, as JSON in a text, that the answer, which is JSON, must follow"),
  }),
  z.object({ kind: z.literal("judge"), question: z.string().min(1).max(2000).describe("asked of a judge: yes or no") }),
]);

const draftTaskSchema = z.object({
  id: z.string().max(200).describe("short and unique, such as t1"),
  title: z.string().max(1000).default("").describe("a few words"),
  goal: z.string().max(20_000).default("").describe("all that the agent must know: it sees nothing of the plan"),
  needs: z.array(z.string().max(200)).default([]).describe("ids of the tasks whose results this one is given"),
  agent: z.string().max(200).describe("name of the agent that does it"),
  budgetShare: z.number().min(0).max(1000).optional().describe("share of the whole budget, 0 to 1"),
  successCheck: z.array(checkSchema).default([]).describe("what the answer must be like; all must hold"),
  estimateMs: z.number().min(0).max(1e10).optional().describe("how long it is likely to take, in milliseconds"),
});

/** Is the schema of a plan as a planner, or a person in a file, writes it: nothing in it is trusted yet. */
export const planDraftSchema = z.object({ goal: z.string().max(100_000).default(""), tasks: z.array(draftTaskSchema) });

/** Is a plan as it was written, before it was checked. */
export type PlanDraft = z.infer<typeof planDraftSchema>;

/** Is one task of such a plan. */
export type DraftTask = PlanDraft["tasks"][number];

/**
 * Says what the answer of a task must be like, as data. Units: `length` in characters, `citations` in verified sources.
 * `judge` is a question that another agent answers with yes or no.
 */
export type SuccessCheck =
  | { readonly kind: "contains"; readonly texts: readonly string[] }
  | { readonly kind: "citations"; readonly least: number }
  | { readonly kind: "length"; readonly min: number; readonly max?: number | undefined }
  | { readonly kind: "schema"; readonly schema: JsonObject }
  | { readonly kind: "judge"; readonly question: string };

/** Is one task of a plan. Units: `budgetShare` 0 to 1 of what the whole run may spend; `estimateMs` milliseconds. */
export type PlanTask = {
  readonly id: string;
  readonly title: string;
  readonly goal: string;
  /** The ids of the tasks whose results it is given. */
  readonly needs: readonly string[];
  readonly agent: string;
  readonly budgetShare: number;
  readonly successCheck: readonly SuccessCheck[];
  readonly estimateMs: number;
};

/** Is a plan that was checked: each need is there, nothing goes round in a circle, each agent is known. */
export type Plan = { readonly goal: string; readonly tasks: readonly PlanTask[] };

/** Is what was put right in a plan without asking, because only one thing can have been meant. */
export type PlanRepair = { readonly task: string; readonly what: string; readonly why: string };

/** Is what is wrong with a plan and cannot be put right without asking. `task` is empty where it is the plan itself. */
export type PlanProblem = { readonly task: string; readonly problem: string };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
