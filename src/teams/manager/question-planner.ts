import { splitGoal } from "../../providers/offline/index.ts";
import type { MemberFacts } from "./choose-agent.ts";
import { rankMembers } from "./choose-agent.ts";
import type { PlanDraft } from "./plan.ts";

/** Is a task that failed, as a planner without a model sees it. */
export interface FailedTask {
  readonly id: string;
  readonly title: string;
  readonly goal: string;
  readonly needs: readonly string[];
  /** Who tried it, also under another id. */
  readonly triedBy: readonly string[];
}

/**
 * Makes a plan without a model: the goal is split into its questions, and each goes to the member whose capabilities its words name.
 * A question that comes after another one ("then …") needs it.
 */
export function planQuestions(goal: string, members: readonly MemberFacts[], prefix = "q"): PlanDraft {
  const questions = splitGoal(goal);
  const tasks = questions.map((question, index) => {
    // Split texts may lean on the question before; a goal that is one question is asked as it was put.
    const alone = question.topic === "" ? question.text : `${question.text} (${question.topic})`;
    const text = questions.length === 1 ? goal : alone;
    return {
      id: `${prefix}${index + 1}`,
      title: text,
      goal: text,
      needs: question.follows && index > 0 ? [`${prefix}${index}`] : [],
      agent: rankMembers(text, members)[0]?.name ?? "",
      successCheck: [],
    };
  });
  return { goal, tasks };
}

/** Plans failed tasks anew: each goes to the next best member that has not tried it; where none is left, it is given up. */
export function planAgain(failed: readonly FailedTask[], members: readonly MemberFacts[]): PlanDraft["tasks"] {
  return failed.flatMap(({ id, title, goal, needs, triedBy }) => {
    const next = rankMembers(goal, members).find(({ name }) => !triedBy.includes(name));
    return next === undefined ? [] : [{ id, title, goal, needs: [...needs], agent: next.name, successCheck: [] }];
  });
}
