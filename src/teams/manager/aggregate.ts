import type { AgentResult, AnyAgent } from "../../agents/index.ts";
import type { JsonObject } from "../../base/index.ts";
import { toAtlasError } from "../../base/index.ts";
import { teamErrors } from "../errors.ts";
import { mergeCitations } from "../merge-citations.ts";
import type { TeamOutcome } from "../team.ts";
import { writeRequest } from "./briefing.ts";
import type { PlanTask } from "./plan.ts";
import type { PlanState, TaskState } from "./plan-state.ts";
import type { TaskResult } from "./success.ts";

/** Is a task that was done, with its result. */
export interface DoneTask {
  readonly task: PlanTask;
  readonly result: TaskResult;
}

/** Is a task that was not done, and why. */
export interface MissingTask {
  readonly task: PlanTask;
  readonly why: string;
}

/** Makes the answer of a plan out of the results of its tasks. A function must be pure: a run that is taken up calls it again. */
export type Aggregate = "joined" | AnyAgent | ((done: readonly DoneTask[], missing: readonly MissingTask[]) => string);

/**
 * Makes the result of a plan: the answer, its sources, and what is missing.
 *
 * Errors: plan_failed when there is nothing at all.
 */
export async function aggregate(state: PlanState, how: Aggregate): Promise<TeamOutcome<string>> {
  const { context } = state;
  const all = [...state.tasks.values()];
  const done = all.flatMap(({ status, task, result }) => (status === "done" && result ? [{ task, result }] : []));
  const missing = all
    .filter(({ status, replaced }) => status !== "done" && !replaced)
    .map((each) => missingOf(each, state));
  const partial = done.length > 0 ? done : partialOf(all);
  const facts: JsonObject = {
    done: done.map(({ task }) => task.id),
    missing: missing.map(({ task, why }) => ({ id: task.id, title: task.title, why: why.slice(0, 1000) })),
    changes: state.replans,
    durationMs: state.now - state.startedAt,
  };
  await context.step("plan.told", () => context.emit({ type: "plan.completed", data: facts }));
  if (partial.length === 0) throw failed(missing);
  const text = await textOf(state, how, { done: partial, missing });
  const answered = partial.some(({ result }) => result.metadata["answered"] !== false);
  return {
    output: text,
    text,
    citations: mergeCitations(partial.map(({ result }) => result)),
    finishReason: missing.length === 0 ? reasonOf(done) : "other",
    metadata: { ...facts, answered },
  };
}

/** Gives answers that were no success, where there are no others: those of tasks that nothing took the place of, or else all. */
function partialOf(all: readonly TaskState[]): readonly DoneTask[] {
  const given = all.flatMap(({ task, result, replaced }) => (result ? [{ task, result, replaced }] : []));
  const last = given.filter(({ replaced }) => !replaced);
  return last.length > 0 ? last : given;
}

function missingOf({ task, status, error }: TaskState, { tasks }: PlanState): MissingTask {
  if (status === "failed") return { task, why: error };
  const waits = task.needs.filter((need) => tasks.get(need)?.status !== "done");
  return { task, why: `it needs ${waits.join(", ")}, which was not done` };
}

function failed(missing: readonly MissingTask[]): Error {
  const named = missing.slice(0, 10).map(({ task, why }) => `${task.id}: ${why.slice(0, 300)}`);
  return teamErrors.create("plan_failed", `No task of the plan was done. ${named.join(" ")}`, {
    details: { tasks: missing.slice(0, 100).map(({ task }) => task.id) },
  });
}

interface Gathered {
  readonly done: readonly DoneTask[];
  readonly missing: readonly MissingTask[];
}

async function textOf(state: PlanState, how: Aggregate, { done, missing }: Gathered): Promise<string> {
  if (typeof how === "function") return how(done, missing);
  const [only, ...others] = done;
  // One answer needs nobody who puts it together.
  const written = how === "joined" || others.length === 0 ? undefined : await write(state, how, { done, missing });
  const text = written ?? (only && others.length === 0 ? only.result.text : joined(done));
  return [text.trim(), ...missingWords(missing)].join("\n\n");
}

/** Has an agent write the answer; where it fails, the results are joined, and the log says why. */
async function write(state: PlanState, writer: AnyAgent, { done, missing }: Gathered): Promise<string | undefined> {
  const { context, allowance, goal } = state;
  const budget = allowance.take("write", 1);
  let reason = "there is no budget left for it";
  let result: AgentResult<unknown> | undefined;
  if (budget !== "nothing") {
    const request = writeRequest(
      goal,
      done,
      missing.map(({ task, why }) => `${task.title}: ${why.slice(0, 300)}`),
    );
    try {
      result = await context.ask(writer, request, budget === undefined ? {} : { budget });
      if (result.text.trim() !== "") return result.text;
      reason = "its answer was empty";
    } catch (error) {
      context.signal.throwIfAborted();
      reason = toAtlasError(error).message.slice(0, 1000);
    } finally {
      allowance.settle("write", result);
    }
  }
  await context.step("plan.told", () =>
    context.emit({ type: "results.joined", data: { writer: writer.name, reason } }),
  );
  return undefined;
}

/** Joins answers under their titles. */
function joined(done: readonly DoneTask[]): string {
  return done.map(({ task, result }) => `${task.title}\n\n${result.text.trim()}`).join("\n\n");
}

function missingWords(missing: readonly MissingTask[]): readonly string[] {
  if (missing.length === 0) return [];
  return [["Missing:", ...missing.map(({ task, why }) => `- ${task.title}: ${why.slice(0, 300)}`)].join("\n")];
}

function reasonOf(done: readonly DoneTask[]): TaskResult["finishReason"] {
  return done.find(({ result }) => result.finishReason !== "stop")?.result.finishReason ?? "stop";
}
