import { z } from "zod";
import type { RoleName } from "./role.ts";
import { roleNames } from "./role.ts";

const text = z.string().trim().min(1).max(20_000);
const short = z.string().trim().min(1).max(2_000);

/** Names the forms that a result can have. */
export const formNames = ["text", "list", "table", "json", "letter", "code"] as const;

/** Is the form of a result. */
export type FormName = (typeof formNames)[number];

/** Bounds the steps of a plan; there may be no more questions than that. */
export const mostSteps = 128;

const question = z.object({ id: z.string().min(1).max(64), text: short });
const step = z.object({
  id: z.string().min(1).max(64),
  question: z.string().min(1).max(64),
  text: short,
  needs: z.array(z.string().max(64)).max(64).default([]),
});
const finding = z.object({
  step: z.string(),
  question: z.string(),
  text: z.string(),
  answered: z.boolean(),
  sources: z.number().int().nonnegative(),
  unverified: z.number().int().nonnegative(),
});
const raisedPoint = z.object({
  /** The id of a point that is open already; a new one has none. */
  id: z.string().max(64).optional(),
  text: short,
  weight: z.number().positive().max(100).default(1),
  step: z.string().max(64).optional(),
});
const score = z.number().min(0).max(1).optional();
const closed = z.array(z.string().max(64)).max(256).default([]);

/** Holds the schema of each kind of message's content. */
export const contents = {
  questions: z.object({
    kind: z.literal("questions"),
    questions: z.array(question).min(1).max(64),
    form: z.enum(formNames),
  }),
  steps: z.object({ kind: z.literal("steps"), steps: z.array(step).min(1).max(mostSteps) }),
  unplannable: z.object({ kind: z.literal("unplannable"), question: z.string().max(64), reason: short }),
  findings: z.object({ kind: z.literal("findings"), findings: z.array(finding).max(256) }),
  blocked: z.object({ kind: z.literal("blocked"), step: z.string().max(64), reason: short }),
  accepted: z.object({ kind: z.literal("accepted"), closed, score }),
  open_points: z.object({
    kind: z.literal("open_points"),
    to: z.enum(["reasoning", "planning", "action"]),
    points: z.array(raisedPoint).min(1).max(64),
    closed,
    score,
  }),
  result: z.object({ kind: z.literal("result"), form: z.enum(formNames), text }),
} as const;

/** Reads what a message says; `kind` tells which of them it is. */
export const content = z.discriminatedUnion("kind", [
  contents.questions,
  contents.steps,
  contents.unplannable,
  contents.findings,
  contents.blocked,
  contents.accepted,
  contents.open_points,
  contents.result,
]);

/** Is what a message says. */
export type Content = z.infer<typeof content>;

/** Is a question that the goal was split into. */
export type Question = z.infer<typeof question>;

/** Is a step that answers a question. */
export type PlanStep = z.infer<typeof step>;

/** Is what a step gave. */
export type FoundText = z.infer<typeof finding>;

/** Is a point as the feedback role raises it. */
export type RaisedPoint = z.infer<typeof raisedPoint>;

/** Reads a whole message: who, to whom, which way, in which round. `supervisor` sends what a person steered. */
export const message = z.object({
  id: z.string(),
  from: z.enum(roleNames),
  to: z.enum([...roleNames, "supervisor"]),
  direction: z.enum(["downstream", "upstream"]),
  kind: z.string(),
  round: z.number().int().positive(),
  content,
});

/** Is a message between roles. */
export type Message = z.infer<typeof message>;

/** Says who may send each kind to whom. */
const routes: Readonly<Record<Content["kind"], { from: RoleName; to: readonly Message["to"][] }>> = {
  questions: { from: "reasoning", to: ["planning"] },
  steps: { from: "planning", to: ["action"] },
  unplannable: { from: "planning", to: ["reasoning"] },
  findings: { from: "action", to: ["feedback"] },
  blocked: { from: "action", to: ["planning"] },
  accepted: { from: "feedback", to: ["completion"] },
  open_points: { from: "feedback", to: ["reasoning", "planning", "action"] },
  result: { from: "completion", to: ["supervisor"] },
};

/** Tells to whom a message goes, and which way that is. */
export function routeOf(said: Content): Pick<Message, "from" | "to" | "direction"> {
  const { from, to } = routes[said.kind];
  const target = said.kind === "open_points" ? said.to : (to[0] ?? "supervisor");
  const place = target === "supervisor" ? roleNames.length : roleNames.indexOf(target);
  return { from, to: target, direction: place > roleNames.indexOf(from) ? "downstream" : "upstream" };
}
