import type { AnyAgent } from "../../agents/index.ts";
import { agent } from "../../agents/index.ts";
import type { Model } from "../../providers/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import type { Team } from "../team.ts";
import { team } from "../team.ts";
import type { Aggregate } from "./aggregate.ts";
import { judgeInstructions, plannerInstructions, writerInstructions } from "./briefing.ts";
import type { ManagerLimitOptions } from "./limits.ts";
import { limitProblem, readLimits } from "./limits.ts";
import type { ManagerParts } from "./manager-parts.ts";
import { planDraftSchema } from "./plan.ts";
import { planOnly, runPlan } from "./run-plan.ts";
import { verdictSchema } from "./success.ts";

/** Is what a user writes to define a manager. */
export interface ManagerOptions {
  readonly name: string;
  readonly description?: string;
  /** Who does the tasks: agents, teams, graphs, workflows. A planner chooses by what is said of them. */
  readonly agents: readonly Runnable[];
  /**
   * Who plans: an agent whose answer is a plan, or `questions` for a plan by rules, without a model. By default an agent of its own,
   * and `questions` where the model that is used cannot plan.
   */
  readonly planner?: AnyAgent | "questions";
  /** The model of its own planner, judge and writer: a model, `provider/name` or `group:NAME`. */
  readonly model?: Model | string;
  readonly limits?: ManagerLimitOptions;
  /** Lets workers take the tasks from this queue, here or on other machines. */
  readonly queue?: string;
  /** How the answers become one: `joined` under their titles, by an agent, or by a pure function. By default an agent of its own writes it where the model can. */
  readonly aggregate?: Aggregate;
}

/** Is a manager: a team, with a second one that only plans. */
export interface Manager extends Team<string> {
  /** Gives the plan of a goal as its output, and does nothing of it. */
  readonly planning: Team;
}

/**
 * Defines a manager: it makes a plan of a goal, checks it, does its tasks in parallel as their needs allow, tries again and changes the
 * plan when something fails, and gives one answer with its sources and what is missing. In place of a goal it takes a plan as JSON.
 *
 * Shape: its log has `plan.made`, `plan.repaired`, `plan.refused`, `plan.changed`, `plan.kept`, `plan.progressed`, `plan.completed`,
 * `task.started`, `task.completed`, `task.failed` and `results.joined`; docs/manager.md has their data.
 * Errors: team_invalid; when it runs plan_invalid, plan_failed.
 * @example examples/manager.ts
 */
export function manager(options: ManagerOptions): Manager {
  const { name, description = "", agents, model, planner, queue, aggregate } = options;
  const limits = readLimits(options.limits);
  const problem = limitProblem(limits) ?? (agents.length === 0 ? "it has no agents" : repeated(agents));
  if (problem !== undefined)
    throw teamErrors.create("team_invalid", `The manager ${name} cannot work: ${problem}.`, {
      details: { team: name },
    });
  const withModel = model === undefined ? {} : { model };
  const parts: ManagerParts = {
    name,
    members: agents,
    limits,
    queue,
    planner,
    aggregate,
    own: model,
    ownPlanner: agent<unknown>({
      name: `${name}.planner`,
      instructions: plannerInstructions,
      output: planDraftSchema,
      ...withModel,
    }),
    judge: agent<unknown>({
      name: `${name}.judge`,
      instructions: judgeInstructions,
      output: verdictSchema,
      ...withModel,
    }),
    writer: agent<unknown>({ name: `${name}.writer`, instructions: writerInstructions, ...withModel }),
  };
  const staff = [parts.ownPlanner, parts.judge, parts.writer].concat(
    [planner, aggregate].filter((each): each is AnyAgent => typeof each === "object"),
  );
  const members = [...new Set<Runnable>([...agents, ...staff])];
  const main = team<string>({
    name,
    description,
    members,
    run: async (context, goal) => await runPlan(parts, context, goal),
  });
  const planning = team({
    name: `${name}.planning`,
    members,
    run: async (context, goal) => await planOnly(parts, context, goal),
  });
  return { ...main, planning };
}

/** A plan names agents by name alone. */
function repeated(agents: readonly Runnable[]): string | undefined {
  const names = agents.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `two of its agents are named ${twice}`;
}
