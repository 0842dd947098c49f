import type { JsonObject, JsonValue } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import { isAgent } from "../is-agent.ts";
import type { Team, TeamContext } from "../team.ts";
import type { Asking, MemberResult } from "./asking.ts";
import { answered } from "./asking.ts";
import type { WorkerFacts } from "./assign.ts";
import { assign } from "./assign.ts";
import { eachBounded } from "./bounded.ts";
import { aboutMember, derivedAgent } from "./derived-agent.ts";
import { splitGoal } from "./list-of.ts";
import { brief, checkMembers, textOf } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";
import type { Split } from "./split.ts";
import { partsOf } from "./split.ts";
import type { WorkerMessage } from "./worker-message.ts";
import { readRefusal, refuseTool } from "./worker-message.ts";
import { namedIn } from "../words.ts";

/** Is a worker of a controller. */
export interface WorkerOptions {
  readonly member: Runnable;
  /** Says what it is for, beside what the member says of itself. */
  readonly description?: string;
  /** Units: tasks that it does at once; 1 by default. */
  readonly replicas?: number;
}

/** Are the options of `controller`. */
export interface ControllerTeamOptions extends PatternOptions {
  /** Order: of two that fit alike the first is preferred. */
  readonly workers: readonly (Runnable | WorkerOptions)[];
  /** Splits the goal into tasks; its lines and sentences by default. */
  readonly split?: Split;
  /** Is asked for each task which worker gets it; without one, or where it names none, the words of the workers decide. */
  readonly decide?: Runnable;
  /** Makes one answer of the results; without one they stand below each other. */
  readonly gather?: Runnable;
  /** How many workers a task is given to, one after the other; all by default. */
  readonly maxAttempts?: number;
  /** Units: tasks; more are refused with team_failed. 1,000 by default. */
  readonly maxTasks?: number;
}

/** Is what a controller and its workers come to. */
export type ControllerOutput = {
  readonly answer: string;
  readonly results: readonly { readonly task: JsonValue; readonly worker: string; readonly output: JsonValue }[];
  readonly undone: readonly { readonly task: JsonValue; readonly reason: string }[];
  readonly messages: readonly WorkerMessage[];
};

interface Worker extends WorkerFacts {
  readonly member: Runnable;
}

interface Task {
  readonly number: number;
  readonly goal: JsonValue;
  readonly tried: Set<string>;
  wanted: string | undefined;
  reason: string;
  done: { readonly worker: string; readonly result: MemberResult } | undefined;
}

interface Work {
  readonly asking: Asking;
  readonly context: TeamContext;
  readonly workers: readonly Worker[];
  readonly tasks: readonly Task[];
  readonly messages: WorkerMessage[];
}

/**
 * Makes a team of a controller and workers: the goal is split into tasks, the controller decides who gets each, workers work at once, each
 * on as many tasks as it has replicas. A task that a worker refuses, fails at or does not answer (`metadata.answered` is false) goes to
 * another one, once all of its round have ended. Agents refuse with the tool `refuse_task`, others by giving what `refuse` makes.
 *
 * Shape: it adds the events `worker.chosen` { task, worker, reason, fit } (`chosen`, `fit` or `load`), `worker.requested`, `worker.progressed`, `worker.answered`,
 * `worker.refused` (each with its message) and `worker.replaced` { task, worker, reason }, `task.abandoned` { task, reason }.
 * Errors: team_invalid; team_failed where no task was done, or there are too many.
 * @example examples/patterns.ts
 */
export function controller(options: ControllerTeamOptions): Team<ControllerOutput> {
  const { name, split = splitGoal, decide, gather, maxAttempts = options.workers.length, maxTasks = 1_000 } = options;
  const workers = options.workers.map((each) => workerOf(name, each));
  const others = [split, decide, gather].filter((each) => each !== undefined && typeof each !== "function");
  return patternTeam<ControllerOutput>(options, {
    members: [...workers.map(({ member }) => member), ...others],
    async run(asking, context, goal) {
      const goals = await partsOf(asking, context, { team: name, goal, split, parts: "tasks", most: maxTasks });
      const tasks = goals.map((each, index): Task => ({
        number: index + 1,
        goal: each,
        tried: new Set(),
        wanted: undefined,
        reason: "",
        done: undefined,
      }));
      const work: Work = { asking, context, workers, tasks, messages: [] };
      for (let attempt = 1; attempt <= maxAttempts; attempt++) {
        const open = tasks.filter((task) => task.done === undefined && task.tried.size < workers.length);
        if (open.length === 0 || asking.limit !== undefined) break;
        await playRound(work, { open, attempt, decide });
      }
      return await finish(work, { goal, gather });
    },
  });
}

function workerOf(team: string, given: Runnable | WorkerOptions): Worker {
  const options: WorkerOptions = "member" in given ? given : { member: given };
  checkMembers(team, [options.member]);
  const { member, description = "", replicas = 1 } = options;
  if (!Number.isInteger(replicas) || replicas < 1) {
    throw teamErrors.create(
      "team_invalid",
      `The replicas of ${member.name} in the team ${team} must be a whole number from 1 on.`,
    );
  }
  const asked = isAgent(member) ? derivedAgent(team, member, { tools: [refuseTool()] }) : member;
  return { name: member.name, about: `${description} ${aboutMember(member)}`, replicas, member: asked };
}

interface Round {
  readonly open: readonly Task[];
  readonly attempt: number;
  readonly decide: Runnable | undefined;
}

/** Gives out all open tasks and has the workers do them. Decided before any begins, so that a run that is taken up again decides the same. */
async function playRound(work: Work, { open, attempt, decide }: Round): Promise<void> {
  const { context, workers } = work;
  if (decide !== undefined && attempt === 1) for (const task of open) task.wanted = await chosenBy(work, decide, task);
  const given = assign(
    open.map(({ goal, tried, wanted }) => ({ text: textOf(goal), tried, wanted })),
    workers,
  );
  const lanes = new Map<string, Task[]>();
  for (const [index, task] of open.entries()) {
    const to = given[index];
    if (to === undefined) continue;
    context.emit({ type: "worker.chosen", data: { task: task.number, ...to } });
    if (task.tried.size > 0)
      context.emit({ type: "worker.replaced", data: { task: task.number, worker: to.worker, reason: task.reason } });
    const lane = lanes.get(to.worker);
    if (lane === undefined) lanes.set(to.worker, [task]);
    else lane.push(task);
  }
  await Promise.all(
    workers.map(async (worker) => {
      const lane = lanes.get(worker.name) ?? [];
      await eachBounded(lane, worker.replicas, async (task) => await doTask(work, { worker, task, attempt }));
    }),
  );
}

async function chosenBy({ asking, workers }: Work, decide: Runnable, { goal }: Task): Promise<string | undefined> {
  const list = workers.map(({ name, about }) => `${name}: ${about.trim()}`);
  const given = await asking.ask(decide, brief(decide, textOf(goal), { workers: list }));
  const names = workers.map(({ name }) => name);
  return given.status === "answered" ? namedIn(given.result.text, names) : undefined;
}

async function doTask(
  work: Work,
  { worker, task, attempt }: { worker: Worker; task: Task; attempt: number },
): Promise<void> {
  const { asking, tasks } = work;
  const facts = { task: task.number, worker: worker.name };
  await say(work, { type: "request", ...facts, attempt, goal: task.goal });
  const given = await asking.ask(worker.member, task.goal);
  if (given.status === "limited") return;
  task.tried.add(worker.name);
  const refused = given.status === "failed" ? undefined : refusalIn(given.result);
  if (given.status === "failed") task.reason = given.error.code;
  else if (refused !== undefined) {
    task.reason = refused;
    await say(work, { type: "refusal", ...facts, reason: refused });
  } else {
    task.done = { worker: worker.name, result: given.result };
    await say(work, { type: "result", ...facts, output: given.result.output });
    const done = tasks.filter((each) => each.done !== undefined).length;
    await say(work, { type: "progress", ...facts, done, total: tasks.length });
  }
}

const eventTypes = { request: "requested", progress: "progressed", result: "answered", refusal: "refused" } as const;

/** Keeps a message and tells the log of it, once: workers that work at once end in another order when the run is taken up again. */
async function say({ context, messages }: Work, message: WorkerMessage): Promise<void> {
  const { type, task, worker } = message;
  const event = { type: `worker.${eventTypes[type]}`, data: message };
  messages.push(
    await context.step(`message:${type}:${task}:${worker}`, () => {
      context.emit(event);
      return message;
    }),
  );
}

function refusalIn({ output, metadata }: MemberResult): string | undefined {
  return readRefusal(output) ?? (metadata["answered"] === false ? "unanswered" : undefined);
}

async function finish(
  { asking, context, tasks, messages }: Work,
  { goal, gather }: { readonly goal: string; readonly gather: Runnable | undefined },
) {
  const done = tasks.flatMap(({ goal: task, done: each }) => (each === undefined ? [] : [{ task, ...each }]));
  const undone = tasks.flatMap((task) => {
    if (task.done !== undefined) return [];
    const reason = task.reason === "" ? (asking.limit ?? "nobody") : task.reason;
    context.emit({ type: "task.abandoned", data: { task: task.number, reason } });
    return [{ task: task.goal, reason }];
  });
  if (done.length === 0) throw asking.nothing();
  const results = done.map(({ task, worker, result }) => ({ task, worker, output: result.output }));
  const parts: JsonObject = { results: results.map(({ output }) => output) };
  const gathered = gather === undefined ? undefined : answered(await asking.ask(gather, brief(gather, goal, parts)));
  const answer = gathered?.text ?? done.map(({ result }) => result.text).join("\n\n");
  const from = [...done.map(({ result }) => result), ...(gathered === undefined ? [] : [gathered])];
  const output: ControllerOutput = { answer, results, undone, messages: messages.toSorted((a, b) => a.task - b.task) };
  const finishReason = undone.length === 0 ? "stop" : "other";
  return asking.conclude(output, {
    from,
    text: answer,
    finishReason,
    metadata: { done: done.length, undone: undone.length },
  });
}
