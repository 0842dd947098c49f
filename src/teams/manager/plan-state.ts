import type { AgentResult } from "../../agents/index.ts";
import type { EmittedEvent, Runnable } from "../../runs/index.ts";
import type { JsonObject } from "../../base/index.ts";
import type { TeamContext } from "../team.ts";
import type { Allowance } from "./allowance.ts";
import type { MemberFacts } from "./choose-agent.ts";
import type { ManagerLimits } from "./limits.ts";
import type { PlanTask } from "./plan.ts";
import type { Planning } from "./planning.ts";
import type { TaskResult } from "./success.ts";

/** Is one task of a plan under way. Units: times in ms since the Unix epoch. */
export interface TaskState {
  task: PlanTask;
  status: "open" | "running" | "done" | "failed";
  attempts: number;
  startedAt: number;
  durationMs: number;
  /** Why its last answer was refused, for the next attempt. */
  refused: readonly string[];
  error: string;
  result?: TaskResult;
  /** True where a change of the plan put something in its place. */
  replaced: boolean;
  /** Who tried it, also under another id. */
  readonly triedBy: string[];
}

/** Is something that a plan waits for: a task, its judge, the wait before it is tried again, or a change of the plan. */
export interface Activity {
  readonly kind: "task" | "judge" | "wait" | "change";
  /** The task; empty for a change. */
  readonly id: string;
  readonly settled: Promise<void>;
  outcome?: Outcome;
}

/** Is how something ended. */
export type Outcome = { readonly result: TaskResult | undefined } | { readonly error: unknown };

/** Is a change of the plan that its planner was asked for. */
export interface PlanChange {
  readonly failed: readonly string[];
  readonly steer: readonly string[];
  readonly request: string;
  tries: number;
}

/** Is what goes on while a plan is carried out. Every decision is made of it alone, in the order that the log holds. */
export interface PlanState {
  readonly context: TeamContext;
  readonly goal: string;
  readonly members: readonly Runnable[];
  readonly facts: readonly MemberFacts[];
  readonly limits: ManagerLimits;
  readonly allowance: Allowance;
  readonly planning: Planning;
  readonly queue: string | undefined;
  /** Order: as in the plan; what failed and was replaced stays. */
  readonly tasks: Map<string, TaskState>;
  readonly active: Map<string, Activity>;
  readonly events: EmittedEvent[];
  /** Failed tasks, and what was said, that no change of the plan has taken up yet. */
  readonly failed: Set<string>;
  readonly steer: string[];
  /** The ids of tasks that a change left out. */
  readonly dropped: Set<string>;
  change?: PlanChange;
  replans: number;
  /** Is when the last thing ended, the same whenever the run is taken up. */
  now: number;
  startedAt: number;
}

/** Notes an event; all of one moment are told together. */
export function note(state: PlanState, type: string, data: JsonObject): void {
  state.events.push({ type, data });
}

/** Finds a task that must be there. */
export function taskOf(state: PlanState, id: string): TaskState {
  const found = state.tasks.get(id);
  if (found === undefined) throw new RangeError(`There is no task ${id}.`);
  return found;
}

/** Makes the state of a task that waits for its turn. */
export function openTask(task: PlanTask, triedBy: readonly string[] = []): TaskState {
  const none = { attempts: 0, startedAt: 0, durationMs: 0, refused: [], error: "", replaced: false };
  return { task, status: "open", ...none, triedBy: [...triedBy] };
}

/** Begins something and keeps how it ends: nothing that fails is thrown anywhere but where it is looked at. */
export function begin(
  { active }: PlanState,
  { kind, id }: Pick<Activity, "kind" | "id">,
  work: Promise<TaskResult | AgentResult<unknown> | void>,
): void {
  const activity: Activity = {
    kind,
    id,
    settled: work.then(
      (result) => void (activity.outcome = { result: (result ?? undefined) as TaskResult | undefined }),
      (error: unknown) => void (activity.outcome = { error }),
    ),
  };
  active.set(kind === "change" ? "change" : `${kind}:${id}`, activity);
}
