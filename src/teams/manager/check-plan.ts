import { readJsonSchema } from "../read-json-schema.ts";
import { cut } from "./cut.ts";
import { findCircle } from "./order.ts";
import type { DraftTask, PlanDraft, PlanProblem, PlanRepair, PlanTask } from "./plan.ts";

/** Is what a plan must fit. */
export interface PlanFrame {
  /** The names of the agents that may do tasks. */
  readonly agents: readonly string[];
  readonly maxTasks: number;
  /** The tasks that stay as they are, because they are done or under way: a changed plan may need them. */
  readonly kept?: readonly string[];
  /** The ids that were used up by tasks that failed or were dropped. */
  readonly used?: readonly string[];
  /** What the tasks may share: less than 1 where tasks that stay have their part already. */
  readonly share?: number;
}

/** Is a plan that was read: the tasks where there is no problem, and what was put right. */
export interface CheckedPlan {
  readonly tasks: readonly PlanTask[];
  readonly repairs: readonly PlanRepair[];
  readonly problems: readonly PlanProblem[];
}

const unreadableSchema =
  "the schema of its success check cannot be read, or has a pattern with repeats in repeats that may take for ever";
/** What tasks share by default; the rest is for the planner and for putting the answers together. */
const sharedByDefault = 0.9;
/** Until durations are measured, a task without an estimate counts as one of this length. Units: milliseconds. */
const usualMs = 10_000;
const idPattern = /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,63}$/u;

/**
 * Checks a plan. What can only have been meant in one way is put right and told; everything else is a problem, each with the
 * task that has it.
 */
export function checkPlan({ tasks: drafts }: PlanDraft, frame: PlanFrame): CheckedPlan {
  if (drafts.length === 0) return refused([{ task: "", problem: "the plan has no task" }]);
  if (drafts.length > frame.maxTasks)
    return refused([
      { task: "", problem: `the plan has ${drafts.length} tasks; at most ${frame.maxTasks} are allowed` },
    ]);
  const check: Check = { frame, repairs: [], problems: [] };
  const named = uniqueIds(check, drafts);
  const ids = new Set([...(frame.kept ?? []), ...named.map(({ id }) => id)]);
  const tasks = named.map((task) => ({
    ...task,
    goal: goalOf(check, task),
    title: titleOf(task),
    needs: needsOf(check, task, { ids, tasks: named }),
    agent: agentOf(check, task),
  }));
  for (const { id, successCheck } of named)
    if (successCheck.some((each) => each.kind === "schema" && readJsonSchema(each.schema) === undefined))
      check.problems.push({ task: id, problem: unreadableSchema });
  const circle = findCircle(tasks);
  if (circle)
    check.problems.push({
      task: circle[0] ?? "",
      problem: `${circle.join(" needs ")} needs ${circle[0] ?? ""}: they wait for each other`,
    });
  const { repairs, problems } = check;
  return { tasks: problems.length > 0 ? [] : shared(check, tasks), repairs, problems };
}

interface Check {
  readonly frame: PlanFrame;
  readonly repairs: PlanRepair[];
  readonly problems: PlanProblem[];
}

function refused(problems: readonly PlanProblem[]): CheckedPlan {
  return { tasks: [], repairs: [], problems };
}

/** Drops what is there twice, renames where nobody can have meant the other one. */
function uniqueIds(check: Check, drafts: readonly DraftTask[]): readonly DraftTask[] {
  const { repairs, problems, frame } = check;
  const kept = new Set(frame.kept ?? []);
  const used = new Set([...(frame.used ?? []), ...drafts.map(({ id }) => id)]);
  const found = new Map<string, DraftTask>();
  const renamed = new Map<string, string>();
  for (const draft of drafts) {
    const { id } = draft;
    const before = found.get(id);
    if (kept.has(id)) repairs.push({ task: id, what: "left out", why: "it is done or under way, and stays as it is" });
    else if (before === undefined) found.set(id, draft);
    else if (JSON.stringify(before) === JSON.stringify(draft))
      repairs.push({ task: id, what: "left out", why: "the same task is there twice" });
    else if (drafts.some(({ needs }) => needs.includes(id)))
      problems.push({ task: id, problem: "two different tasks have this id, and others need it" });
    else {
      const free = freeId(id, used);
      found.set(free, { ...draft, id: free });
      repairs.push({ task: id, what: `called ${free}`, why: "another task has this id, and none needs it" });
    }
  }
  const taken = new Set(frame.used ?? []);
  for (const [id, draft] of found) {
    if (idPattern.test(id) && !taken.has(id)) continue;
    const free = freeId(taken.has(id) ? id : plainId(id), used);
    renamed.set(id, free);
    found.set(id, { ...draft, id: free });
    const why = taken.has(id) ? "a task of this id failed or was dropped" : "an id is letters, digits, _ . and -";
    repairs.push({ task: id, what: `called ${free}`, why });
  }
  if (renamed.size === 0) return [...found.values()];
  return [...found.values()].map((task) => ({ ...task, needs: task.needs.map((need) => renamed.get(need) ?? need) }));
}

function plainId(id: string): string {
  const plain = id.replaceAll(/[^\p{L}\p{N}_.-]+/gu, "-").replace(/^[^\p{L}\p{N}]+/u, "");
  return plain.slice(0, 56) || "task";
}

function freeId(id: string, used: Set<string>): string {
  let free = id;
  for (let number = 2; used.has(free); number++) free = `${id.slice(0, 56)}-${number}`;
  used.add(free);
  return free;
}

function goalOf({ repairs, problems }: Check, { id, goal, title }: DraftTask): string {
  if (goal.trim() !== "") return goal;
  if (title.trim() === "") problems.push({ task: id, problem: "it has neither a goal nor a title" });
  else repairs.push({ task: id, what: "the title became the goal", why: "the goal was empty" });
  return title;
}

function titleOf({ title, goal }: DraftTask): string {
  return cut((title.trim() === "" ? goal : title).replaceAll(/\s+/g, " ").trim(), 120);
}

function needsOf(
  { repairs, problems }: Check,
  { id, needs }: DraftTask,
  { ids, tasks }: { ids: ReadonlySet<string>; tasks: readonly DraftTask[] },
): readonly string[] {
  const known = new Set<string>();
  for (const need of needs) {
    const meant = ids.has(need) ? need : meantTask(need, ids, tasks);
    if (meant === undefined) problems.push({ task: id, problem: `it needs ${quoted(need)}, which is no task` });
    else if (meant === id) repairs.push({ task: id, what: "needs itself no more", why: "no task can wait for itself" });
    else {
      if (known.has(meant)) repairs.push({ task: id, what: `needs ${meant} once`, why: "it was named twice" });
      else if (meant !== need)
        repairs.push({ task: id, what: `needs ${meant}`, why: `only that can be meant by ${quoted(need)}` });
      known.add(meant);
    }
  }
  return [...known];
}

/** Finds the one task that a need can mean: its id in another case, or its title. */
function meantTask(need: string, ids: ReadonlySet<string>, tasks: readonly DraftTask[]): string | undefined {
  const wanted = folded(need);
  const meant = new Set([...ids].filter((id) => folded(id) === wanted));
  for (const { id, title } of tasks) if (folded(title) === wanted && wanted !== "") meant.add(id);
  return meant.size === 1 ? [...meant][0] : undefined;
}

function agentOf({ frame, repairs, problems }: Check, { id, agent }: DraftTask): string {
  const { agents } = frame;
  if (agents.includes(agent)) return agent;
  const wanted = folded(agent).replace(/^(agent|team|graph|workflow):/, "");
  const meant = agents.filter((name) => folded(name) === wanted);
  const only = meant.length === 1 ? meant[0] : agents.length === 1 ? agents[0] : undefined;
  if (only === undefined)
    problems.push({ task: id, problem: `its agent ${quoted(agent)} is unknown; there are ${agents.join(", ")}` });
  else
    repairs.push({
      task: id,
      what: `is done by ${only}`,
      why: meant.length === 1 ? `only that can be meant by ${quoted(agent)}` : "it is the only agent",
    });
  return only ?? agent;
}

/** Gives each task its share and its estimate. Shares over the whole are made smaller in proportion. */
function shared(
  { frame, repairs }: Check,
  tasks: readonly (Omit<DraftTask, "needs"> & { readonly needs: readonly string[] })[],
): PlanTask[] {
  const whole = frame.share ?? 1;
  const given = tasks.reduce((sum, { budgetShare = 0 }) => sum + budgetShare, 0);
  const open = tasks.filter(({ budgetShare = 0 }) => budgetShare === 0).length;
  // Tasks that say nothing share what the others leave; where these leave nothing, each counts as one among all.
  const rest = Math.max(0, Math.min(sharedByDefault, whole) - given);
  const each = open === 0 ? 0 : rest > 0 ? rest / open : whole / tasks.length;
  const sum = given + each * open;
  const factor = sum > whole + 1e-9 ? whole / sum : 1;
  if (factor < 1)
    repairs.push({
      task: "",
      what: `budget shares were multiplied by ${Number(factor.toPrecision(3))}`,
      why: `together they were ${Number(sum.toPrecision(3))} of the budget, of which there is ${Number(whole.toPrecision(3))}`,
    });
  const estimates = tasks.flatMap(({ estimateMs }) => (estimateMs === undefined ? [] : [estimateMs]));
  const usual = estimates.length === 0 ? usualMs : estimates.reduce((a, b) => a + b, 0) / estimates.length;
  return tasks.map(({ id, title, goal, needs, agent, budgetShare = 0, successCheck, estimateMs = usual }) => ({
    id,
    title,
    goal,
    needs,
    agent,
    budgetShare: (budgetShare === 0 ? each : budgetShare) * factor,
    successCheck,
    estimateMs: Math.round(estimateMs),
  }));
}

function folded(text: string): string {
  return text.trim().toLowerCase();
}

/** Writes what a planner wrote, bounded: it may be long, and it is shown to people. */
function quoted(text: string): string {
  return JSON.stringify(cut(text, 60));
}
