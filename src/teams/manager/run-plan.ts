import type { JsonValue } from "../../base/index.ts";
import type { TeamContext, TeamOutcome } from "../team.ts";
import type { Aggregate } from "./aggregate.ts";
import { aggregate } from "./aggregate.ts";
import { createAllowance } from "./allowance.ts";
import { factsOf } from "./choose-agent.ts";
import { carryOut } from "./execution.ts";
import type { ManagerParts } from "./manager-parts.ts";
import { openTask } from "./plan-state.ts";
import type { PlanState } from "./plan-state.ts";
import type { PlanParts, Planning } from "./planning.ts";
import { makePlan, planData } from "./planning.ts";

/** Plans a goal and carries the plan out. */
export async function runPlan(parts: ManagerParts, context: TeamContext, goal: string): Promise<TeamOutcome<string>> {
  const { parts: planning, aggregate: how } = await prepare(parts, context);
  const plan = await makePlan(planning, goal);
  const now = await context.step("plan.begun", () => context.clock.now());
  const state: PlanState = {
    ...planning,
    members: parts.members,
    queue: parts.queue,
    goal: plan.goal,
    tasks: new Map(plan.tasks.map((task) => [task.id, openTask(task)])),
    active: new Map(),
    events: [],
    failed: new Set(),
    steer: [],
    dropped: new Set(),
    replans: 0,
    now,
    startedAt: now,
  };
  await carryOut(state);
  return await aggregate(state, how);
}

/** Plans a goal, and does nothing of it. */
export async function planOnly(
  parts: ManagerParts,
  context: TeamContext,
  goal: string,
): Promise<TeamOutcome<JsonValue>> {
  const { parts: planning } = await prepare(parts, context);
  return { output: planData(await makePlan(planning, goal)) };
}

/** Finds out who plans, judges and writes: where the model that is used quotes documents and writes nothing, rules do it. */
async function prepare(
  manager: ManagerParts,
  context: TeamContext,
): Promise<{ parts: PlanParts; aggregate: Aggregate }> {
  const { name, members, limits, planner, judge, writer, own } = manager;
  const canWrite = await context.step("plan.model", async () => {
    const named = context.input.model ?? (typeof own === "string" ? own : undefined);
    if (typeof own === "object" && context.input.model === undefined) return own.provider !== "offline";
    return !(await context.modelNamed(named)).startsWith("offline/");
  });
  const planning: Planning = {
    name,
    planner:
      planner === "questions" || (planner === undefined && !canWrite) ? "questions" : (planner ?? manager.ownPlanner),
    judge: canWrite ? judge : "sources",
  };
  return {
    parts: {
      context,
      planning,
      limits,
      facts: members.map(factsOf),
      allowance: createAllowance(context.input.budget),
    },
    aggregate: manager.aggregate ?? (canWrite ? writer : "joined"),
  };
}
