import type { JsonValue } from "../../base/index.ts";
import { isAtlasError, isJsonObject, toAtlasError } from "../../base/index.ts";
import { judgeRequest, taskRequest } from "./briefing.ts";
import { changePlan, finishChange } from "./change-plan.ts";
import { retryDelayMs } from "./limits.ts";
import { remainingMs } from "./order.ts";
import type { PlanTask } from "./plan.ts";
import type { Activity, PlanState, TaskState } from "./plan-state.ts";
import { begin, note, taskOf } from "./plan-state.ts";
import type { TaskResult } from "./success.ts";
import { failedChecks, judgedBySources, judgeQuestions } from "./success.ts";

/**
 * Carries a plan out: what is ready is begun, the longest way to the end first; what ended is looked at in the order that the
 * log holds, so a run that is taken up again decides as it did, and asks nothing twice.
 *
 * Errors: the signal's reason when the run is cancelled. A task that fails is no error: it is in the state.
 */
export async function carryOut(state: PlanState): Promise<void> {
  for (;;) {
    for (const said of await state.context.steered())
      state.steer.push(typeof said === "string" ? said : JSON.stringify(said));
    if (state.steer.length + state.failed.size > 0) changePlan(state);
    startReady(state);
    const telling = tell(state);
    if (state.active.size === 0) return await telling;
    const [, { ended, at }] = await Promise.all([telling, nextEnd(state)]);
    state.now = at;
    for (const key of ended) await finish(state, key);
    progress(state);
  }
}

/** Tells what is noted as a step, so that it is told once. */
async function tell({ context, events }: PlanState): Promise<void> {
  const noted = events.splice(0);
  if (noted.length === 0) return;
  await context.step("plan.told", () => {
    for (const event of noted) context.emit(event);
  });
}

/** Waits until something ends, and notes what: the order in which things end is what a replay cannot know by itself. */
async function nextEnd({ context, active }: PlanState): Promise<{ ended: string[]; at: number }> {
  // Not in the step: a manager whose tasks wait for workers does nothing, and its place is theirs.
  await Promise.race([...active.values()].map(({ settled }) => settled));
  return await context.step("plan.next", () => {
    const ended = [...active].filter(([, { outcome }]) => outcome !== undefined).map(([key]) => key);
    return { ended, at: context.clock.now() };
  });
}

function startReady(state: PlanState): void {
  const { tasks, active, limits } = state;
  // A plan that is about to change begins nothing more of what it was.
  if (active.has("change")) return;
  const places = limits.maxParallel - active.size;
  if (places <= 0) return;
  const all = [...tasks.values()];
  const isReady = ({ status, task }: TaskState): boolean =>
    status === "open" &&
    !active.has(`wait:${task.id}`) &&
    task.needs.every((need) => tasks.get(need)?.status === "done");
  const ready = all.filter(isReady);
  if (ready.length === 0) return;
  const remaining = remainingMs(all.filter(({ status }) => status === "open").map(({ task }) => task));
  const wayOf = ({ task }: TaskState): number => remaining.get(task.id) ?? 0;
  for (const next of ready.toSorted((a, b) => wayOf(b) - wayOf(a)).slice(0, places)) startTask(state, next);
}

function startTask(state: PlanState, next: TaskState): void {
  const { context, members, allowance, planning, queue } = state;
  const { task } = next;
  const member = members.find(({ name }) => name === task.agent);
  next.attempts++;
  next.startedAt = state.now;
  next.triedBy.push(task.agent);
  const { id, agent, title } = task;
  const budget = member === undefined ? undefined : allowance.take(`task:${id}`, task.budgetShare, id);
  if (member === undefined || budget === "nothing") {
    const error = member === undefined ? `There is no agent ${agent}.` : "Nothing is left of its budget share.";
    return fail(state, next, { error, again: false });
  }
  next.status = "running";
  note(state, "task.started", { id, title, agent, attempt: next.attempts, ...(budget && { budget }) });
  const needs = task.needs.flatMap((need) => {
    const { result, task: needed } = taskOf(state, need);
    return result === undefined ? [] : [{ task: needed, result }];
  });
  const request = taskRequest(task, needs, { plain: planning.planner === "questions", refused: next.refused });
  const options = { ...(budget && { budget }), ...(queue !== undefined && { queue }) };
  begin(state, { kind: "task", id }, context.ask(member, request, options));
}

/** Looks at what ended. */
async function finish(state: PlanState, key: string): Promise<void> {
  const { active, allowance, context } = state;
  const activity = active.get(key);
  if (activity === undefined) return;
  await activity.settled;
  active.delete(key);
  const { outcome, kind, id } = activity;
  if (outcome === undefined) return;
  const result = "result" in outcome ? outcome.result : undefined;
  allowance.settle(key, result);
  if ("error" in outcome && context.signal.aborted) throw outcome.error;
  if (kind === "change") return await finishChange(state, outcome);
  if (kind === "wait") return;
  const ended = taskOf(state, id);
  if ("error" in outcome) return fail(state, ended, failureOf(kind, outcome.error));
  if (result === undefined) return;
  if (kind === "judge") return judged(state, ended, result);
  ended.result = result;
  const reasons = failedChecks(ended.task.successCheck, result);
  // A model that quotes documents gives the same answer to the same question.
  const again = state.planning.planner !== "questions";
  if (reasons.length > 0) return fail(state, ended, { error: reasons.join("; "), again, refused: reasons });
  if (judgeQuestions(ended.task.successCheck).length === 0) return complete(state, ended);
  startJudge(state, ended, result);
}

function startJudge(state: PlanState, ended: TaskState, result: TaskResult): void {
  const { planning, context, allowance } = state;
  const { task } = ended;
  if (planning.judge === "sources") {
    const reason = judgedBySources(result);
    if (reason === undefined) return complete(state, ended);
    return fail(state, ended, { error: reason, again: false });
  }
  const budget = allowance.take(`judge:${task.id}`, task.budgetShare, task.id);
  if (budget === "nothing")
    return fail(state, ended, { error: "Nothing is left of its budget share to judge it with.", again: false });
  const request = judgeRequest(task, result, judgeQuestions(task.successCheck));
  begin(
    state,
    { kind: "judge", id: task.id },
    context.ask(planning.judge, request, budget === undefined ? {} : { budget }),
  );
}

function judged(state: PlanState, ended: TaskState, verdict: TaskResult): void {
  const { accepted, reason } = readVerdict(verdict.output);
  if (accepted) return complete(state, ended);
  fail(state, ended, { error: `the judge refused it: ${reason}`, again: true, refused: [reason] });
}

function readVerdict(output: JsonValue): { accepted: boolean; reason: string } {
  if (!isJsonObject(output)) return { accepted: false, reason: "no verdict" };
  const { accepted, reason } = output;
  return {
    accepted: accepted === true,
    reason: typeof reason === "string" && reason !== "" ? reason : "no reason given",
  };
}

function complete(state: PlanState, ended: TaskState): void {
  const { task, result, attempts } = ended;
  ended.status = "done";
  ended.durationMs = state.now - ended.startedAt;
  if (result === undefined) return;
  const { usage, costMicroUsd, citations, finishReason } = result;
  note(state, "task.completed", {
    id: task.id,
    agent: task.agent,
    attempt: attempts,
    durationMs: ended.durationMs,
    usage: { ...usage },
    costMicroUsd,
    citations: citations.length,
    finishReason,
  });
}

interface Failure {
  readonly error: string;
  /** False where the same would happen again. */
  readonly again: boolean;
  readonly refused?: readonly string[];
}

function failureOf(kind: Activity["kind"], cause: unknown): Failure {
  const error = toAtlasError(cause);
  const again = !isAtlasError(cause) || cause.retry === "later";
  return { error: `${kind === "judge" ? "its judge failed: " : ""}${error.message}`, again };
}

/** Tries a task again while its policy allows it; then it has failed, and the plan is to be changed. */
function fail(state: PlanState, ended: TaskState, { error, again, refused = [] }: Failure): void {
  const { limits, context } = state;
  const { task, attempts } = ended;
  ended.error = error;
  ended.refused = refused;
  ended.durationMs = state.now - ended.startedAt;
  const final = !again || attempts >= limits.retry.attempts;
  ended.status = final ? "failed" : "open";
  note(state, "task.failed", { id: task.id, agent: task.agent, attempt: attempts, final, error: error.slice(0, 2000) });
  if (final) return void state.failed.add(task.id);
  const delayMs = retryDelayMs(limits.retry, attempts);
  if (delayMs > 0) begin(state, { kind: "wait", id: task.id }, context.sleep(delayMs));
}

/** Tells how far the plan is. What is left is reckoned by how long tasks took, beside what was estimated. */
function progress(state: PlanState): void {
  const all = [...state.tasks.values()];
  const count = (status: TaskState["status"]): number => all.filter((each) => each.status === status).length;
  const done = all.filter(({ status }) => status === "done");
  const measured = done.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const estimated = done.reduce((sum, { task }) => sum + task.estimateMs, 0);
  const factor = estimated > 0 && measured > 0 ? measured / estimated : 1;
  const left: PlanTask[] = all.flatMap(({ status, task, startedAt }) => {
    if (status === "open") return [task];
    if (status !== "running") return [];
    return [{ ...task, estimateMs: Math.max(0, task.estimateMs - (state.now - startedAt) / factor) }];
  });
  const way = Math.max(0, ...remainingMs(left).values());
  const work = left.reduce((sum, { estimateMs }) => sum + estimateMs, 0) / state.limits.maxParallel;
  note(state, "plan.progressed", {
    done: done.length,
    running: count("running"),
    failed: count("failed"),
    left: count("open"),
    etaMs: Math.round(Math.max(way, work) * factor),
  });
}
