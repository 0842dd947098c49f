import { changeRequest, refusedPlan } from "./briefing.ts";
import type { CheckedPlan } from "./check-plan.ts";
import { checkPlan } from "./check-plan.ts";
import type { PlanDraft, PlanProblem, PlanTask } from "./plan.ts";
import type { Outcome, PlanChange, PlanState, TaskState } from "./plan-state.ts";
import { begin, note, openTask, taskOf } from "./plan-state.ts";
import { planData, readPlan, unreadable } from "./planning.ts";
import { planAgain, planQuestions } from "./question-planner.ts";

/**
 * Begins to change the plan for what failed and what was said, where that is still allowed. Tasks that are done or under way stay as
 * they are; with a planner that is a model the change is asked for, and nothing new begins until it is there.
 */
export function changePlan(state: PlanState): void {
  if (state.active.has("change")) return;
  const { limits, planning } = state;
  const failed = [...state.failed];
  const steer = state.steer.splice(0);
  state.failed.clear();
  if (state.replans >= limits.maxReplans)
    return keep(state, { failed, steer }, `it was changed ${state.replans} times already`);
  state.replans++;
  if (planning.planner === "questions") return changeByRules(state, failed, steer);
  const request = changeRequest({
    goal: state.goal,
    members: state.facts,
    maxTasks: placesLeft(state),
    done: statesOf(state, "done").map(({ task, result }) => ({ task, text: result?.text ?? "" })),
    running: statesOf(state, "running").map(({ task }) => task),
    failed: statesOf(state, "failed").map(({ task, error }) => ({ task, error })),
    open: statesOf(state, "open").map(({ task }) => task),
    steer,
  });
  state.change = { failed, steer, request, tries: 1 };
  askForChange(state, state.change, request);
}

/** Reads the change that the planner gave, and carries it out where it can be used. */
export async function finishChange(state: PlanState, outcome: Outcome): Promise<void> {
  const { change, limits } = state;
  if (change === undefined) return;
  const read = await readOutcome(outcome);
  const checked = "draft" in read ? checkChange(state, read.draft) : undefined;
  if (checked && checked.problems.length === 0) return apply(state, change, checked);
  const problems = checked?.problems ?? ("problems" in read ? read.problems : []);
  note(state, "plan.refused", { tries: change.tries, problems: problems.slice(0, 100).map((each) => ({ ...each })) });
  if ("final" in read || change.tries > limits.maxPlanRepairs)
    return keep(state, change, "its planner gave no change that can be carried out");
  change.tries++;
  askForChange(state, change, refusedPlan(change.request, problems));
}

async function readOutcome(
  outcome: Outcome,
): Promise<{ draft: PlanDraft } | { problems: readonly PlanProblem[]; final?: true }> {
  if ("error" in outcome) {
    const message = outcome.error instanceof Error ? outcome.error.message : "The planner failed.";
    return unreadable(outcome.error) ?? { problems: [{ task: "", problem: message.slice(0, 1000) }], final: true };
  }
  return outcome.result === undefined ? { problems: [], final: true } : await readPlan(outcome.result);
}

function askForChange(state: PlanState, change: PlanChange, request: string): void {
  const { context, planning, allowance } = state;
  if (planning.planner === "questions") return;
  const budget = allowance.take("change", 1);
  if (budget === "nothing") return keep(state, change, "there is no budget left for its planner");
  begin(
    state,
    { kind: "change", id: "" },
    context.ask(planning.planner, request, budget === undefined ? {} : { budget }),
  );
}

/** Goes on with the plan as it is. */
function keep(state: PlanState, { failed, steer }: Pick<PlanChange, "failed" | "steer">, why: string): void {
  delete state.change;
  note(state, "plan.kept", { why, failed: [...failed], steer: [...steer] });
}

function checkChange(state: PlanState, draft: PlanDraft): CheckedPlan {
  if (draft.tasks.length === 0) return { tasks: [], repairs: [], problems: [] };
  const stay = [...statesOf(state, "done"), ...statesOf(state, "running")];
  return checkPlan(draft, {
    agents: state.facts.map(({ name }) => name),
    maxTasks: placesLeft(state),
    kept: stay.map(({ task }) => task.id),
    used: [...statesOf(state, "failed").map(({ task }) => task.id), ...state.dropped],
    share: shareLeft(state),
  });
}

function apply(state: PlanState, change: PlanChange, { tasks, repairs }: CheckedPlan): void {
  delete state.change;
  if (repairs.length > 0) note(state, "plan.repaired", { repairs: [...repairs] });
  const wanted = new Set(tasks.map(({ id }) => id));
  const removed = statesOf(state, "open").flatMap(({ task }) => (wanted.has(task.id) ? [] : [task.id]));
  for (const id of removed) drop(state, id);
  const added = tasks.filter(({ id }) => !state.tasks.has(id));
  for (const task of tasks) state.tasks.set(task.id, openTask(task));
  if (added.length > 0) for (const id of change.failed) taskOf(state, id).replaced = true;
  tellChange(state, change, { added: added.map(({ id }) => id), removed });
}

function drop(state: PlanState, id: string): void {
  state.tasks.delete(id);
  state.dropped.add(id);
}

/** Without a model: what failed goes to the next best member, and what was said adds its questions. */
function changeByRules(state: PlanState, failed: readonly string[], steer: readonly string[]): void {
  const added: string[] = [];
  for (const id of failed) {
    const before = taskOf(state, id);
    const [again] = planAgain([{ ...before.task, triedBy: before.triedBy }], state.facts);
    if (again === undefined || placesLeft(state) < 1) continue;
    const task: PlanTask = { ...before.task, id: freeId(state, id), agent: again.agent };
    before.replaced = true;
    state.tasks.set(task.id, openTask(task, before.triedBy));
    added.push(task.id);
    for (const other of statesOf(state, "open"))
      other.task = { ...other.task, needs: other.task.needs.map((need) => (need === id ? task.id : need)) };
  }
  for (const said of steer) {
    const { tasks } = checkPlan(planQuestions(said, state.facts, `s${state.replans}.${added.length + 1}.`), {
      agents: state.facts.map(({ name }) => name),
      maxTasks: placesLeft(state),
      share: shareLeft(state),
    });
    for (const task of tasks) state.tasks.set(task.id, openTask(task));
    added.push(...tasks.map(({ id }) => id));
  }
  if (added.length === 0) return keep(state, { failed, steer }, "no other agent is left that could do it");
  tellChange(state, { failed, steer }, { added, removed: [] });
}

function tellChange(
  state: PlanState,
  { failed, steer }: Pick<PlanChange, "failed" | "steer">,
  change: { readonly added: readonly string[]; readonly removed: readonly string[] },
): void {
  const open = statesOf(state, "open").map(({ task }) => task);
  note(state, "plan.changed", {
    number: state.replans,
    failed: [...failed],
    steer: [...steer],
    added: [...change.added],
    removed: [...change.removed],
    tasks: planData({ goal: "", tasks: open }).tasks,
  });
}

function freeId({ tasks, dropped }: PlanState, id: string): string {
  let number = 2;
  while (tasks.has(`${id}-${number}`) || dropped.has(`${id}-${number}`)) number++;
  return `${id}-${number}`;
}

/** Counts the tasks that may still be added or stay open: all that ever were in the plan count. */
function placesLeft({ tasks, dropped, limits }: PlanState): number {
  const settled = [...tasks.values()].filter(({ status }) => status !== "open").length;
  return limits.maxTasks - settled - dropped.size;
}

/** What is spent or under way has its share; what failed gives back the rest of its own. */
function shareLeft(state: PlanState): number {
  const stay = [...statesOf(state, "done"), ...statesOf(state, "running")];
  return Math.max(0, 1 - stay.reduce((sum, { task }) => sum + task.budgetShare, 0));
}

function statesOf({ tasks }: PlanState, status: TaskState["status"]): readonly TaskState[] {
  return [...tasks.values()].filter((each) => each.status === status);
}
