import { z } from "zod";
import type { JsonValue, Schema } from "../../base/index.ts";
import { checkSchema, describeIssues, isJsonObject } from "../../base/index.ts";
import { findObject } from "../../providers/index.ts";
import { contents } from "./message.ts";
import type { RoleName } from "./role.ts";

const reason = z.string().trim().min(1).max(2_000);

/** Reads a correction that a role asks for. */
export const biasWish = z.discriminatedUnion("target", [
  z.object({ target: z.literal("instructions"), wanted: z.string().trim().min(1), reason }),
  z.object({
    target: z.literal("memory"),
    wanted: z.array(z.string().trim().min(1)).default([]),
    forget: z.array(z.string()).default([]),
    reason,
  }),
  z.object({ target: z.literal("tools"), wanted: z.array(z.string()), reason }),
]);

/** Is a correction that a role asks for: of its instructions, its memory, or its choice of tools. */
export type BiasWish = z.infer<typeof biasWish>;

const beside = { notes: z.array(z.string().trim().min(1)).max(32).optional(), bias: biasWish.optional() };

const foundInText = z.object({ kind: z.literal("findings"), text: z.string().trim().min(1) });
const blockedStep = z.object({ kind: z.literal("blocked"), reason });

/** Holds the schema of what each role answers; `action` and `completion` may answer in text instead. */
export const answers = {
  // Flat, unlike the others: a model that can only split a goal fills a list of questions at the root of a schema.
  reasoning: contents.questions.omit({ kind: true }).extend(beside),
  planning: z.object({
    message: z.discriminatedUnion("kind", [contents.steps, contents.unplannable]),
    ...beside,
  }),
  action: z.object({ message: z.discriminatedUnion("kind", [foundInText, blockedStep]), ...beside }),
  feedback: z.object({
    message: z.discriminatedUnion("kind", [contents.accepted, contents.open_points]),
    ...beside,
  }),
  completion: z.object({ message: z.object({ kind: z.literal("result"), text: z.string().trim().min(1) }), ...beside }),
} as const;

/** Is what a role answers. */
export type RoleAnswer<Name extends RoleName> = z.infer<(typeof answers)[Name]>;

/** Is an answer that was read, or what is wrong with it. */
export type ReadAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** Reads what a role gave: a value, or a text that holds JSON. Text without a message is `undefined` where the role may answer so. */
export async function readRoleAnswer<T>(
  schema: Schema<unknown, T>,
  given: JsonValue,
  mayBeText: boolean,
): Promise<ReadAnswer<T | undefined>> {
  const found = typeof given === "string" ? findObject(given) : given;
  if (mayBeText && typeof given === "string" && !(isJsonObject(found) && "message" in found)) {
    return given.trim() === "" ? { ok: false, problem: "The answer is empty." } : { ok: true, value: undefined };
  }
  if (found === undefined) return { ok: false, problem: "The answer is not JSON." };
  const read = await checkSchema(schema, found);
  return read.ok
    ? read
    : { ok: false, problem: `The answer does not follow its schema: ${describeIssues(read.issues)}.` };
}
