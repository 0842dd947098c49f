import { resolve as resolvePath } from "node:path";
import type { AgentResult, AgentSurroundings, AnyAgent, Registry, RunBudget } from "../agents/index.ts";
import { agentCallable, agentWorkflow, checkRunBudget, splitReference } from "../agents/index.ts";
import { baseErrors, systemClock } from "../base/index.ts";
import type { BudgetLimits, JsonValue } from "../base/index.ts";
import type { AnyGraph } from "../graph/index.ts";
import { graphCallable } from "../graph/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import { toMicros } from "../providers/index.ts";
import type { AnyWorkflow, Callable, Resolve, RunHandle, Runnable, Runs, StartOptions } from "../runs/index.ts";
import { runErrors } from "../runs/index.ts";
import type { Database } from "../storage/index.ts";
import type { AnyTeam } from "../teams/index.ts";
import { teamWorkflow } from "../teams/index.ts";
import type { ToolMetrics } from "../tools/index.ts";
import { agentVersions } from "./agent-versions.ts";
import type { AgentStartOptions, Atlas } from "./atlas.ts";
import { appErrors } from "./errors.ts";
import { withLimits } from "./known-agents.ts";
import type { Models } from "./models.ts";
import { nearest } from "./nearest.ts";
import type { LoadedSettings } from "./settings.ts";
import { checkTenant } from "./spending.ts";
import type { Spending } from "./spending.ts";

const longestThread = 200;

/** Is what a starter works with. */
export interface StarterParts {
  readonly settings: LoadedSettings;
  readonly runs: Runs;
  readonly knowledge: Knowledge;
  readonly models: Models;
  readonly agents: ReadonlyMap<string, AnyAgent>;
  readonly registry: Registry;
  readonly teams: ReadonlyMap<string, AnyTeam>;
  /** Teams that are there where nobody took their names. */
  readonly standing: ReadonlyMap<string, AnyTeam>;
  readonly spending: Spending;
  readonly rewards: Atlas["rewards"];
  readonly memory: Atlas["memory"];
  readonly toolMetrics: ToolMetrics;
  readonly database: Database;
}

/** Starts what users define, by name or value, and makes it known to the runs. */
export interface Starter {
  readonly start: Atlas["start"];
  readonly resolve: Resolve;
}

/** Makes what starts agents, teams and workflows. */
export function createStarter(parts: StarterParts): Starter {
  const { settings, runs } = parts;
  const resolve = createResolve(parts);
  const startGoal = async (
    named: AnyAgent | AnyTeam | string,
    input: unknown,
    options: AgentStartOptions,
  ): Promise<RunHandle<AgentResult<unknown>>> => {
    const found = typeof named === "string" ? findByName(named, parts) : named;
    const goal = goalOf(input);
    if (goal.trim() === "") throw appErrors.create("goal_empty", "The goal is empty; say what is to be done.");
    const { knowledge: paths = [], model, budget, tenant, thread, ...rest } = options;
    if (budget !== undefined) checkRunBudget(budget);
    if (tenant !== undefined) checkTenant(tenant);
    if (thread !== undefined) checkThread(thread);
    // An unknown provider is an error of the call, not of the run.
    const wanted = model ?? (found.kind === "agent" ? found.model : undefined) ?? settings.values.model;
    if (typeof wanted === "string" && wanted !== "auto") await parts.models.get(wanted);
    const callable = resolve(found);
    const given = callable.input(goal, {
      ...(paths.length > 0 ? { knowledge: paths.map((path) => resolvePath(settings.directory, path)) } : {}),
      ...(model === undefined ? {} : { model }),
      ...(budget === undefined ? {} : { budget }),
      ...(tenant === undefined ? {} : { tenant }),
      ...(thread === undefined ? {} : { thread }),
    });
    // An agent counts what its own run may spend; what a team may, all its members share.
    const shared = budget !== undefined && found.kind === "team" ? { budget: limitsOf(budget) } : {};
    const forRun = { ...rest, ...shared, ...(tenant === undefined ? {} : { tenant }) };
    return (await runs.start(callable.workflow, given, forRun)) as RunHandle<AgentResult<unknown>>;
  };
  const start = (async (target: Runnable | string, input: unknown, options: StartOptions = {}) => {
    if (typeof target === "string" || isGoalTaker(target))
      return await startGoal(target, input, options as AgentStartOptions);
    const { workflow } = resolve(target);
    return await runs.start(workflow, input, options);
  }) as Atlas["start"];
  return { start, resolve };
}

/** As a text, what is none would be a goal too, and be paid for. */
function goalOf(input: unknown): string {
  if (typeof input === "string") return input;
  const got = input === null ? "null" : Array.isArray(input) ? "a list" : typeof input;
  throw baseErrors.create("invalid_input", `The goal of an agent or a team is a text; got ${got}.`);
}

function limitsOf({ maxTokens, maxCostUsd }: RunBudget): BudgetLimits {
  return {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(maxCostUsd === undefined ? {} : { maxCostMicroUsd: toMicros(maxCostUsd) }),
  };
}

function isGoalTaker(target: Runnable): target is AnyAgent | AnyTeam {
  return target.kind === "agent" || target.kind === "team";
}

/** Makes callables of runnables, one of each, whose workflows the runs know from then on. */
function createResolve(parts: StarterParts): Resolve {
  const { settings, runs, knowledge, models, rewards } = parts;
  const surroundings: AgentSurroundings = {
    clock: systemClock,
    knowledge,
    maxFileBytes: settings.values.knowledge.maxFileBytes,
    model: (name) => models.get(name),
    managed: (model) => models.managed(model),
    permissions: settings.values.permissions,
    toolMetrics: parts.toolMetrics,
    memory: parts.memory,
  };
  const modelNamed = async (named?: string): Promise<string> => {
    const { provider, name } = await models.get(named);
    return `${provider}/${name}`;
  };
  const { permissions, toolMetrics } = surroundings;
  const oversight = {
    ...(permissions ? { policies: [{ of: "program", permissions }] } : {}),
    ...(toolMetrics ? { toolMetrics } : {}),
    database: parts.database,
  };
  const versioned = agentVersions(parts.registry, parts.agents);
  const made = new WeakMap<Runnable, Callable>();
  const resolve: Resolve = (runnable) => {
    const known = made.get(runnable);
    if (known) return known;
    const callable = make(runnable);
    made.set(runnable, callable);
    runs.register(callable.workflow);
    // Members become known with their team: a worker can then take up what they were asked.
    if (isKind<AnyTeam>(runnable, "team")) for (const member of runnable.members) resolve(member);
    if (isKind<AnyGraph>(runnable, "graph")) for (const target of runnable.compiled.targets) resolve(target);
    return callable;
  };
  const make = (runnable: Runnable): Callable => {
    if (isKind<AnyAgent>(runnable, "agent"))
      return versioned(runnable, agentWorkflow(withLimits(runnable, settings.values), surroundings));
    if (isKind<AnyTeam>(runnable, "team"))
      return agentCallable(teamWorkflow(runnable, resolve, { rewards, modelNamed, documents: surroundings }));
    if (isKind<AnyGraph>(runnable, "graph")) return graphCallable(runnable, resolve, oversight);
    if (isKind<AnyWorkflow>(runnable, "workflow"))
      return { workflow: runnable, input: (value) => value, output: (result) => (result ?? null) as JsonValue };
    throw runErrors.create(
      "runnable_unknown",
      `${JSON.stringify(runnable.name)} is of the kind ${JSON.stringify(runnable.kind)}, which cannot be run here.`,
      { details: { kind: runnable.kind, name: runnable.name } },
    );
  };
  return resolve;
}

function isKind<T extends Runnable>(value: Runnable, kind: T["kind"]): value is T {
  return value.kind === kind;
}

/** Finds an agent or a team; `name@range` means the newest version of an agent in that range. */
function findByName(named: string, { agents, teams, registry, standing }: StarterParts): AnyAgent | AnyTeam {
  const found = teams.get(named);
  if (found) return found;
  const { name, range } = splitReference(named);
  if (agents.has(name)) return registry.get(name, range);
  const stands = standing.get(named);
  if (stands) return stands;
  const known = [...new Set([...agents.keys(), ...teams.keys(), ...standing.keys()])].toSorted();
  const near = nearest(named, known);
  const hint = near === undefined ? `known: ${known.join(", ")}.` : `did you mean ${near}?`;
  throw appErrors.create("agent_unknown", `There is no agent ${JSON.stringify(named)}; ${hint}`, {
    details: { agent: named, known },
  });
}

function checkThread(thread: string): void {
  if (thread.trim() !== "" && thread.length <= longestThread && !thread.includes("\0")) return;
  throw baseErrors.create(
    "invalid_input",
    `The thread has ${thread.length} characters; name it with 1 to ${longestThread}.`,
  );
}
