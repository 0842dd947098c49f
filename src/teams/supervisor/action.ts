import { asMaterial } from "../material.ts";
import { askRoles, isExtractive } from "./ask-role.ts";
import type { RoleGiven, RoleTask } from "./ask-role.ts";
import type { PlanStep } from "./message.ts";
import type { FeedbackPoint } from "./points.ts";
import type { Session } from "./session.ts";
import { send } from "./session.ts";
import type { Work } from "./work.ts";
import { mayHandBack, plan, waves } from "./work.ts";

/** Is what the action role is at: the work, and the points that it must mend. */
export interface Duty {
  readonly session: Session;
  readonly work: Work;
  readonly open: readonly FeedbackPoint[];
}

/** Has the action role do steps, those that are ready at once. What cannot be done goes back to planning, within the limits. */
export async function act(duty: Duty, todo: readonly PlanStep[]): Promise<boolean> {
  const { session, work } = duty;
  const blocked: string[] = [];
  for (const wave of waves(todo)) {
    for (let at = 0; at < wave.length; at += session.crew.limits.parallel) {
      const steps = wave.slice(at, at + session.crew.limits.parallel);
      const given = await askRoles(
        session,
        steps.map((step) => taskOf(duty, step)),
      );
      for (const [index, step] of steps.entries()) {
        const problem = takeStep(duty, step, given[index]);
        if (problem !== undefined) blocked.push(`${step.id} (${step.text}): ${problem}`);
      }
      if (session.ended !== undefined) return false;
    }
  }
  if (blocked.length === 0 || !mayHandBack(session, work, { from: "action", to: "planning" })) return true;
  const before = new Set(work.steps.filter(({ id }) => work.found.get(id)?.answered === true).map(({ id }) => id));
  if (!(await plan(session, work, blocked))) return false;
  // A plan that was made anew may use an id again for another step; what is answered by an unchanged one stays.
  return await act(
    duty,
    work.steps.filter(({ id }) => !before.has(id)),
  );
}

function taskOf({ session, work, open }: Duty, step: PlanStep): RoleTask<"action"> {
  const { knowledge } = session.context.input;
  const documents = knowledge === undefined ? {} : { knowledge };
  if (isExtractive(session, "action")) return { role: "action", told: step.text, bare: true, ...documents };
  const needed = step.needs
    .flatMap((need) => work.found.get(need) ?? [])
    .map(({ step: id, text }) => `- ${id}:\n${asMaterial(text)}`);
  const points = open
    .filter((point) => point.step === undefined || point.step === step.id)
    .map(({ id, text }) => `- ${id}: ${text}`);
  const told = [
    `Step ${step.id}: ${step.text}`,
    needed.length === 0 ? "" : `Found by the steps that it needs:\n${needed.join("\n")}`,
    points.length === 0 ? "" : `Open points:\n${points.join("\n")}`,
  ];
  return { role: "action", told: told.filter((part) => part !== "").join("\n\n"), ...documents };
}

/** Keeps what a step gave; gives why it could not be done. */
function takeStep({ session, work }: Duty, step: PlanStep, given: RoleGiven<"action"> | undefined): string | undefined {
  const said = given?.answer?.message;
  const reason = said?.kind === "blocked" ? said.reason : undefined;
  if (reason !== undefined) send(session, { kind: "blocked", step: step.id, reason });
  const result = given?.result;
  const text = said?.kind === "findings" ? said.text : said === undefined ? (result?.text ?? "") : "";
  const answered = text.trim() !== "" && result?.metadata["answered"] !== false;
  const found = {
    step: step.id,
    question: step.question,
    text: text.slice(0, 20_000),
    answered,
    sources: result?.citations.length ?? 0,
    unverified: result?.unverified ?? 0,
  };
  const before = work.found.get(step.id);
  // A step that is done anew and now gives nothing does not take away what it gave before.
  if (answered || before?.answered !== true) work.found.set(step.id, { ...found, citations: result?.citations ?? [] });
  return reason;
}
