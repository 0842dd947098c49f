import type { Citation } from "../../knowledge/index.ts";
import { formOfGoal, withoutForm } from "./form.ts";
import type { Form } from "./form.ts";
import type { FoundText, PlanStep, Question } from "./message.ts";
import { mostSteps } from "./message.ts";
import { plainQuestions, plainSteps } from "./plain-roles.ts";
import { askRole, isExtractive } from "./ask-role.ts";
import type { Session } from "./session.ts";
import { send } from "./session.ts";

/** Is what a step gave, with the places that support it. */
export type Found = FoundText & { readonly citations: readonly Citation[] };

/** Is what the roles have made of a goal so far. */
export interface Work {
  questions: readonly Question[];
  form: Form;
  steps: readonly PlanStep[];
  readonly found: Map<string, Found>;
  /** How often steps were made: a model that can only quote is asked in other words each time. */
  attempt: number;
  /** Upstream messages of this round, other than those of the feedback role. */
  handbacks: number;
}

/** Makes the beginning of the work. */
export function emptyWork(form: Form | undefined): Work {
  return {
    questions: [],
    form: form ?? { name: "text", source: "default" },
    steps: [],
    found: new Map(),
    attempt: 0,
    handbacks: 0,
  };
}

/** Gives what was found by the steps of the plan as it is now. Order: of the steps. */
export function findingsOf({ steps, found }: Work): readonly Found[] {
  return steps.flatMap(({ id }) => found.get(id) ?? []);
}

/** Has the reasoning role split the goal. `open` is what must be mended by it. False when a limit ends the run. */
export async function reason(session: Session, work: Work, open: readonly string[]): Promise<boolean> {
  const known = work.questions.length > 0;
  const plain = isExtractive(session, "reasoning");
  // What can only split the goal splits it the same way again, so it is asked once.
  const given =
    plain && known
      ? undefined
      : await askRole(session, { role: "reasoning", told: toldToReason(work, open, session.goal) });
  if (session.ended !== undefined) return false;
  const directed = session.directions.map((text, index): Question => ({
    id: `d${index + 1}`,
    text: text.slice(0, 2_000),
  }));
  const extractive = plain || given?.result.metadata["extractive"] === true;
  const answered = given?.answer;
  if (answered === undefined && !(plain && known)) replaced(session, "reasoning");
  const questions =
    extractive && known
      ? work.questions
      : extractive || answered === undefined
        ? splitQuestions(session.goal, answered?.questions)
        : answered.questions;
  const others =
    extractive || answered === undefined
      ? directed.filter(({ text }) => questions.every((each) => each.text !== text))
      : [];
  work.questions = uniqueById([...questions, ...others].slice(0, 64));
  if (work.form.source !== "options")
    work.form =
      formOfGoal(session.goal) ??
      (answered !== undefined && !extractive ? { name: answered.form, source: "reasoning" } : work.form);
  send(session, { kind: "questions", questions: [...work.questions], form: work.form.name });
  return true;
}

/** Takes the split of a model that can only quote, or one by rules, without what only says the form of the result. */
function splitQuestions(goal: string, split: readonly Question[] | undefined): readonly Question[] {
  const stripped = (split ?? [])
    .map(({ id, text }) => ({ id, text: withoutForm(text).replaceAll("\n", " ") }))
    .filter(({ text }) => text !== "");
  return stripped.length > 0 ? stripped : plainQuestions(withoutForm(goal) || goal);
}

function toldToReason({ questions }: Work, open: readonly string[], goal: string): string {
  if (questions.length === 0) return goal;
  const before = questions.map(({ id, text }) => `- ${id}: ${text}`).join("\n");
  return `Your questions were:\n${before}\n\nThey must be mended:\n${open.map((text) => `- ${text}`).join("\n")}\n\nGive all questions anew.`;
}

/** Has the planning role make steps. `open` is what must be mended by it. False when a limit ends the run. */
export async function plan(session: Session, work: Work, open: readonly string[]): Promise<boolean> {
  work.attempt++;
  if (!isExtractive(session, "planning")) {
    const given = await askRole(session, {
      role: "planning",
      told: toldToPlan(work, open),
      check: (answer) =>
        answer?.message.kind === "steps" ? planProblem(answer.message.steps, work.questions) : undefined,
    });
    if (session.ended !== undefined) return false;
    const said = given?.answer?.message;
    if (said?.kind === "unplannable") {
      send(session, said);
      if (!mayHandBack(session, work, { from: "planning", to: "reasoning" })) return usePlainSteps(session, work);
      return (await reason(session, work, [`${said.question}: ${said.reason}`])) && (await plan(session, work, []));
    }
    if (said !== undefined) {
      work.steps = said.steps;
      send(session, said);
      return true;
    }
    replaced(session, "planning");
  }
  return usePlainSteps(session, work);
}

function usePlainSteps(session: Session, work: Work): boolean {
  const done = new Set(
    findingsOf(work)
      .filter(({ answered, sources }) => answered && sources > 0)
      .map(({ question }) => question),
  );
  const open = work.questions.filter(({ id }) => !done.has(id));
  const kept = work.steps.filter(({ question }) => done.has(question)).slice(0, mostSteps - open.length);
  work.steps = [...kept, ...plainSteps(open, session.goal, work.attempt)];
  send(session, { kind: "steps", steps: [...work.steps] });
  return true;
}

function toldToPlan({ questions, steps }: Work, open: readonly string[]): string {
  const asked = `Make steps for these questions:\n${questions.map(({ id, text }) => `- ${id}: ${text}`).join("\n")}`;
  if (steps.length === 0 || open.length === 0) return asked;
  const before = steps.map(({ id, text }) => `- ${id}: ${text}`).join("\n");
  return `${asked}\n\nYour steps were:\n${before}\n\nThey must be mended:\n${open.map((text) => `- ${text}`).join("\n")}\n\nGive all steps anew.`;
}

function planProblem(steps: readonly PlanStep[], questions: readonly Question[]): string | undefined {
  const ids = steps.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) return `Two steps have the id ${twice}.`;
  for (const { id, question, needs } of steps) {
    if (questions.every((each) => each.id !== question))
      return `The step ${id} names the question ${question}, which there is not.`;
    const missing = needs.find((need) => !ids.includes(need));
    if (missing !== undefined) return `The step ${id} needs ${missing}, which there is not.`;
  }
  const left = questions.find(({ id }) => steps.every(({ question }) => question !== id));
  if (left !== undefined) return `No step answers the question ${left.id}.`;
  return waves(steps).flat().length < steps.length ? "Steps need each other in a circle." : undefined;
}

/** Sorts steps into waves: each has what it needs in those before. Steps in a circle are in none. */
export function waves(steps: readonly PlanStep[]): readonly (readonly PlanStep[])[] {
  const sorted: PlanStep[][] = [];
  const done = new Set<string>();
  for (let rest = steps; rest.length > 0;) {
    const ready = rest.filter(({ needs }) =>
      needs.every((need) => done.has(need) || steps.every(({ id }) => id !== need)),
    );
    if (ready.length === 0) break;
    sorted.push(ready);
    for (const { id } of ready) done.add(id);
    rest = rest.filter((step) => !ready.includes(step));
  }
  return sorted;
}

/** Tells whether work may go upstream once more in this round; the log is told when not. */
export function mayHandBack(
  session: Session,
  work: Work,
  route: { from: "planning" | "action"; to: "reasoning" | "planning" },
): boolean {
  const { handbacks } = session.crew.limits;
  if (work.handbacks++ < handbacks) return true;
  session.emit("handback.refused", { ...route, round: session.round, reason: `No more than ${handbacks} in a round.` });
  return false;
}

/** Tells the log that a role gave nothing that can be used, and that its part is done by rules. */
export function replaced(session: Session, role: "reasoning" | "planning" | "feedback" | "completion"): void {
  session.emit("role.replaced", {
    role,
    round: session.round,
    reason: "It gave nothing that can be used; its part is done by rules.",
  });
}

function uniqueById(questions: readonly Question[]): readonly Question[] {
  const known = new Set<string>();
  return questions.map((question, index) => {
    const id = known.has(question.id) ? `q${index + 1}.${known.size}` : question.id;
    known.add(id);
    return { ...question, id };
  });
}
