import type { AgentResult, AnyAgent } from "../../agents/index.ts";
import type { JsonValue } from "../../base/index.ts";
import { baseErrors, checkSchema, describeIssues, isAtlasError } from "../../base/index.ts";
import { readStructured } from "../../providers/index.ts";
import { teamErrors } from "../errors.ts";
import type { TeamContext } from "../team.ts";
import type { Allowance } from "./allowance.ts";
import { planRequest, refusedPlan } from "./briefing.ts";
import type { CheckedPlan, PlanFrame } from "./check-plan.ts";
import { checkPlan } from "./check-plan.ts";
import type { MemberFacts } from "./choose-agent.ts";
import { cut } from "./cut.ts";
import type { ManagerLimits } from "./limits.ts";
import type { Plan, PlanDraft, PlanProblem } from "./plan.ts";
import { planDraftSchema } from "./plan.ts";
import { planQuestions } from "./question-planner.ts";

/** Says who plans, judges and writes: agents, or where no model can, rules. */
export interface Planning {
  readonly name: string;
  readonly planner: AnyAgent | "questions";
  readonly judge: AnyAgent | "sources";
}

/** Is what making a plan works with. */
export interface PlanParts {
  readonly context: TeamContext;
  readonly planning: Planning;
  readonly facts: readonly MemberFacts[];
  readonly limits: ManagerLimits;
  readonly allowance: Allowance;
}

/** Is a plan as it was read from an answer: a draft, or what is wrong with it. */
export type ReadDraft = { readonly draft: PlanDraft } | { readonly problems: readonly PlanProblem[] };

/**
 * Makes the first plan of a goal and tells of it: `plan.made`, `plan.repaired`, and `plan.refused` for each that went back.
 *
 * Errors: plan_invalid with all that is wrong with the last one; budget_exceeded where nothing is left for another; those of the planner.
 */
export async function makePlan(parts: PlanParts, goal: string): Promise<Plan> {
  const { context, facts, limits, planning } = parts;
  const frame: PlanFrame = { agents: facts.map(({ name }) => name), maxTasks: limits.maxTasks };
  const given = givenPlan(goal);
  const tell = async (checked: CheckedPlan, planner: string, planned = goal): Promise<Plan> => {
    const plan: Plan = { goal: planned, tasks: checked.tasks };
    await context.step("plan.told", () => {
      if (checked.repairs.length > 0) context.emit({ type: "plan.repaired", data: { repairs: [...checked.repairs] } });
      context.emit({ type: "plan.made", data: { planner, ...planData(plan) } });
    });
    return plan;
  };
  if (given !== undefined) {
    const read = await readDraft(given);
    const checked =
      "draft" in read ? checkPlan(read.draft, frame) : { tasks: [], repairs: [], problems: read.problems };
    if (checked.problems.length > 0) throw await refuse(parts, checked.problems, 1);
    return await tell(checked, "given", ("draft" in read && read.draft.goal) || "Carry out the plan.");
  }
  const { planner } = planning;
  if (planner === "questions") {
    const checked = checkPlan(planQuestions(goal, facts), frame);
    if (checked.problems.length > 0) throw await refuse(parts, checked.problems, 1);
    return await tell(checked, "questions");
  }
  const request = planRequest(goal, facts, limits.maxTasks);
  let problems: readonly PlanProblem[] = [];
  for (let tries = 1; ; tries++) {
    const read = await askPlanner(parts, planner, problems.length === 0 ? request : refusedPlan(request, problems));
    const checked = "draft" in read ? checkPlan(read.draft, frame) : undefined;
    if (checked && checked.problems.length === 0) return await tell(checked, planner.name);
    problems = checked ? checked.problems : "problems" in read ? read.problems : [];
    if (tries > limits.maxPlanRepairs || isFinal(read)) throw await refuse(parts, problems, tries);
    await tellRefused(parts, problems, tries);
  }
}

/** The planner's own run has asked for corrections already, as often as it may. */
function isFinal(read: ReadDraft): boolean {
  return "final" in read;
}

async function askPlanner(parts: PlanParts, planner: AnyAgent, request: string): Promise<ReadDraft> {
  const { context, allowance, planning } = parts;
  const budget = allowance.take("plan", 1);
  if (budget === "nothing") {
    const message = `The run of ${planning.name} has no budget left to make a plan with; what was wrong with earlier plans is in its events (plan.refused).`;
    throw baseErrors.create("budget_exceeded", message, { details: { team: planning.name } });
  }
  let result: AgentResult<unknown> | undefined;
  try {
    result = await context.ask(planner, request, budget === undefined ? {} : { budget });
    return await readPlan(result);
  } catch (error) {
    const final = unreadable(error);
    if (final === undefined) throw error;
    return final;
  } finally {
    allowance.settle("plan", result);
  }
}

/** Gives what is wrong where a planner's answers followed no schema; undefined for any other failure. */
export function unreadable(error: unknown): (ReadDraft & { readonly final: true }) | undefined {
  if (!isAtlasError(error) || error.code !== "agent_output_invalid") return undefined;
  return { problems: [{ task: "", problem: error.message.slice(0, 1000) }], final: true };
}

/** Reads the plan in a planner's result, which may be a value or a text that holds JSON. */
export async function readPlan({ output, text }: AgentResult<unknown>): Promise<ReadDraft> {
  if (typeof output !== "string") return await readDraft(output);
  const read = await readStructured(planDraftSchema, text);
  return read.ok ? { draft: read.value } : { problems: [{ task: "", problem: read.problem.slice(0, 2000) }] };
}

async function readDraft(value: unknown): Promise<ReadDraft> {
  const read = await checkSchema(planDraftSchema, value);
  if (read.ok) return { draft: read.value };
  return { problems: [{ task: "", problem: describeIssues(read.issues.slice(0, 20)) }] };
}

/** Finds a plan in place of a goal: a JSON object that has tasks. */
function givenPlan(goal: string): unknown {
  if (!goal.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(goal);
    return typeof value === "object" && value !== null && "tasks" in value ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Tells that a plan went back to its planner. */
async function tellRefused(
  { context }: Pick<PlanParts, "context">,
  problems: readonly PlanProblem[],
  tries: number,
): Promise<void> {
  await context.step("plan.told", () =>
    context.emit({
      type: "plan.refused",
      data: { tries, problems: problems.slice(0, 100).map((each) => ({ ...each })) },
    }),
  );
}

async function refuse(parts: PlanParts, problems: readonly PlanProblem[], tries: number): Promise<Error> {
  await tellRefused(parts, problems, tries);
  const named = problems
    .slice(0, 20)
    .map(({ task, problem }) => (task === "" ? problem : `${cut(task, 60)}: ${problem}`));
  const more = problems.length > named.length ? `; and ${problems.length - named.length} more` : "";
  return teamErrors.create(
    "plan_invalid",
    `The plan of ${parts.planning.name} cannot be carried out, after ${tries === 1 ? "one try" : `${tries} tries`}: ${named.join("; ")}${more}.`,
    { details: { team: parts.planning.name, tries, problems: problems.slice(0, 100).map((each) => ({ ...each })) } },
  );
}

/** Writes a plan as events and results hold it. */
export function planData({ goal, tasks }: Plan): { goal: string; tasks: JsonValue[] } {
  return { goal, tasks: tasks.map((task) => JSON.parse(JSON.stringify(task)) as JsonValue) };
}
