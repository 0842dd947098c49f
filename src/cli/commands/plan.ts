import { resolve } from "node:path";
import { readFile } from "node:fs/promises";
import type { AgentResult } from "../../agents/index.ts";
import type { Atlas } from "../../app/index.ts";
import { isAtlasError, isJsonObject, parseJson, parseSchema } from "../../base/index.ts";
import type { Plan, PlanTask } from "../../teams/manager/index.ts";
import { showAnswer } from "../answer.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { followRun } from "../follow-run.ts";
import type { Ending } from "../follow-run.ts";
import { count, duration } from "../format.ts";
import { readGoal } from "../goal.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";
import { budgetOf } from "../run-budget.ts";

/** Are the options of `atlas plan`. */
export interface PlanOptions {
  readonly knowledge?: readonly string[];
  readonly model?: string;
  readonly agent?: string;
  readonly mermaid?: boolean;
  readonly run?: boolean;
  readonly maxTokens?: number;
  readonly maxCost?: number;
}

/** Makes and shows a plan, or reads and checks one from a file; carries it out with `--run`. */
export async function plan(call: Call<PlanOptions>): Promise<number> {
  const { options, screen, io } = call;
  const { agent = "manager" } = options;
  const file = fileOf(call);
  const goal = file === undefined ? await readGoal(call) : await planText(resolve(io.directory, file), file);
  await using atlas = await openAtlas(call);
  const planned = await start(atlas, { name: `${agent}.planning`, goal }, call).catch((cause: unknown) => {
    if (!isAtlasError(cause) || cause.code !== "agent_unknown") throw cause;
    throw cliErrors.create("usage", `There is no manager named ${agent}; a plan is made by what manager() makes.`, {
      cause,
    });
  });
  if (planned.kind === "failed") return planned.exitCode;
  const made = await readPlan(planned.result.output);
  if (options.run !== true) {
    await show(made, call);
    if (!screen.json && options.mermaid !== true)
      screen.say("Carry it out with --run, or keep it with --json > plan.json.");
    return 0;
  }
  if (!screen.json) await show(made, call, "say");
  const ended = await start(atlas, { name: agent, goal: JSON.stringify(made) }, call);
  if (ended.kind === "failed") return ended.exitCode;
  const { result, streamed, durationMs, runId } = ended;
  showAnswer({ runId, result, durationMs, directory: io.directory, streamed }, screen);
  return 0;
}

/** One word that ends in .json is a file. */
function fileOf({ args }: Call<PlanOptions>): string | undefined {
  const [only, ...others] = args;
  return only !== undefined && others.length === 0 && /^\S+\.json$/i.test(only) ? only : undefined;
}

/** Reads the file of a plan. Errors: usage where there is none, or where it holds no plan. */
async function planText(path: string, file: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw cliErrors.create("usage", `The file ${file} cannot be read; see that it is there.`, { cause });
  });
  if (!holdsPlan(text))
    throw cliErrors.create("usage", `The file ${file} holds no plan: a plan is a JSON object with tasks.`);
  return text;
}

function holdsPlan(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && "tasks" in value;
  } catch {
    return false;
  }
}

async function start(
  atlas: Atlas,
  { name, goal }: { readonly name: string; readonly goal: string },
  call: Call<PlanOptions>,
): Promise<Ending<AgentResult<unknown>> & { readonly runId: string }> {
  const { options, io } = call;
  const { model } = options;
  const budget = budgetOf(options);
  const handle = await atlas.start<unknown>(name, goal, {
    knowledge: (options.knowledge ?? []).map((path) => resolve(io.directory, path)),
    ...(model === undefined ? {} : { model }),
    ...(budget === undefined ? {} : { budget }),
  });
  return { ...(await followRun(atlas, handle, call)), runId: handle.id };
}

async function readPlan(output: unknown): Promise<Plan> {
  const { planDraftSchema, checkPlan } = await import("../../teams/manager/index.ts");
  const value = typeof output === "string" ? parseJson(output, "the plan") : output;
  const draft = await parseSchema(planDraftSchema, value, "plan");
  const agents = draft.tasks.map(({ agent }) => agent);
  return { goal: draft.goal, tasks: checkPlan(draft, { agents, maxTasks: agents.length }).tasks };
}

async function show(made: Plan, { screen, options }: Call<PlanOptions>, how: "print" | "say" = "print"): Promise<void> {
  const { depths, planMermaid, inOrder, remainingMs } = await import("../../teams/manager/index.ts");
  if (screen.json) return screen.printJson(made);
  if (options.mermaid === true && how === "print") return screen.print(planMermaid(made));
  const tell = (text: Parameters<typeof screen.print>[0]): void =>
    how === "print" ? screen.print(text) : screen.say(text);
  const depth = depths(made);
  for (const task of inOrder(made.tasks)) tell(taskLine(task, depth.get(task.id) ?? 0));
  const way = Math.max(0, ...remainingMs(made.tasks).values());
  tell(
    line`${styled("dim", `${count(made.tasks.length, "task")}, about ${duration(way)} if all that can runs at once`)}`,
  );
}

function taskLine({ id, title, agent, needs, budgetShare, estimateMs, successCheck }: PlanTask, depth: number) {
  const after = needs.length === 0 ? "" : ` after ${oneLine(needs.join(", "), 200)}`;
  const checks = successCheck.length === 0 ? "" : `, checked by ${successCheck.map(({ kind }) => kind).join(", ")}`;
  const facts = `${Math.round(budgetShare * 1000) / 10} % of the budget, ${duration(estimateMs)}${checks}`;
  return line`${"  ".repeat(Math.min(depth, 12))}${styled("bold", oneLine(id, 64))} ${oneLine(title, 100)} ${styled("cyan", oneLine(agent, 64))}${after} ${styled("dim", `(${facts})`)}`;
}
