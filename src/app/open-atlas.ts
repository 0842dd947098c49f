import { resolve } from "node:path";
import type { AgentResult, AgentSurroundings, AnyAgent } from "../agents/index.ts";
import { agentWorkflow, checkRunBudget } from "../agents/index.ts";
import { systemClock } from "../base/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import { createKnowledge } from "../knowledge/index.ts";
import type { AnyWorkflow, RunHandle, Runs, StartOptions, Workflow } from "../runs/index.ts";
import { createRuns } from "../runs/index.ts";
import { createRedactor } from "../security/index.ts";
import type { Database, DatabaseCheck } from "../storage/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { createLogger } from "../telemetry/index.ts";
import type { AgentStartOptions, Atlas, AtlasOptions } from "./atlas.ts";
import { appErrors } from "./errors.ts";
import { knownAgents, withLimits } from "./known-agents.ts";
import { createModels } from "./models.ts";
import type { Models } from "./models.ts";
import { loadModules } from "./modules.ts";
import { nearest } from "./nearest.ts";
import type { LoadedSettings, SettingsInput } from "./settings.ts";
import { loadSettings } from "./settings.ts";
import { checkTenant, createSpending } from "./spending.ts";
import type { Spending } from "./spending.ts";
import type { Stores } from "./stores.ts";
import { openStores } from "./stores.ts";

/** Does what `createAtlas` says. */
export async function openAtlas(options: AtlasOptions = {}): Promise<Atlas> {
  const settings = await settingsOf(options);
  const logger = options.logger ?? standardLogger(settings);
  for (const warning of settings.warnings) logger.warn(warning);
  await using parts = new AsyncDisposableStack();
  const defined = await loadModules(settings.values.modules);
  const models = parts.use(createModels(settings.values, [...defined.providers, ...(options.providers ?? [])]));
  const agents = knownAgents(settings.values, defined.tools, [...defined.agents, ...(options.agents ?? [])]);
  const stores = options.database ? onlyStore(options.database) : parts.use(await openStores(settings, logger));
  const { database, queue } = stores;
  const knowledge = await createKnowledge({ database: stores.knowledge, logger: quieter(logger) });
  const spending = parts.use(createSpending(settings.values, database));
  const { keepDays, maxRuns } = settings.values.retention;
  const runs = parts.use(
    await createRuns({
      database,
      logger,
      retention: { keepMs: keepDays * 86_400_000, maxRuns },
      budget: (tenant) => spending.budget(tenant),
      calendar: async () => (await import("../runs/adapters/croner.ts")).croner(),
      worker: options.worker === false ? false : { ...settings.values.worker, ...options.worker },
      ...(queue ? { queue } : {}),
      ...(options.telemetry ? { telemetry: options.telemetry } : {}),
    }),
  );
  const start = createStarter({ settings, runs, knowledge, models, agents, spending });
  for (const each of agents.values()) start.register(each);
  for (const each of [...defined.workflows, ...(options.workflows ?? [])]) runs.register(each);
  if (options.recover !== false) {
    const recovered = await runs.recover();
    if (recovered.length > 0) logger.info("interrupted runs taken up", { runs: recovered.length });
  }
  const held = parts.move();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= held.disposeAsync());
  return {
    settings,
    runs,
    knowledge,
    models,
    agents,
    spending,
    start: start.start,
    check: () => checkStores(stores),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function settingsOf({ settings = {}, directory, environment }: AtlasOptions): Promise<LoadedSettings> {
  return isLoaded(settings) ? settings : await loadSettings({ directory, environment, overrides: settings });
}

function isLoaded(settings: SettingsInput | LoadedSettings): settings is LoadedSettings {
  return "explain" in settings;
}

function onlyStore(database: Database): Omit<Stores, keyof AsyncDisposable> {
  return { database, knowledge: database };
}

async function checkStores({ database, knowledge }: Pick<Stores, "database" | "knowledge">): Promise<DatabaseCheck> {
  if (database === knowledge) return await database.check();
  const checks = await Promise.all([database.check(), knowledge.check()]);
  return {
    sizeBytes: checks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    problems: checks.flatMap(({ problems }) => problems),
  };
}

/** Makes warnings of little weight: what an ingest leaves out stands in its report or run, and would be told twice. */
function quieter(logger: Logger): Logger {
  return {
    debug: (message, fields) => logger.debug(message, fields),
    info: (message, fields) => logger.info(message, fields),
    warn: (message, fields) => logger.info(message, fields),
    error: (message, fields) => logger.error(message, fields),
    child: (fields) => quieter(logger.child(fields)),
  };
}

function standardLogger({ values, secrets }: LoadedSettings): Logger {
  const redact = createRedactor({ secrets });
  return createLogger({ ...values.log, redact, write: (line) => void process.stderr.write(`${line}\n`) });
}

interface StarterParts {
  readonly settings: LoadedSettings;
  readonly runs: Runs;
  readonly knowledge: Knowledge;
  readonly models: Models;
  readonly agents: ReadonlyMap<string, AnyAgent>;
  readonly spending: Spending;
}

/** Starts agents by name or value, and workflows. */
function createStarter({ settings, runs, knowledge, models, agents, spending }: StarterParts) {
  const workflows = new Map<
    string,
    { readonly agent: AnyAgent; readonly workflow: Workflow<never, AgentResult<unknown>> }
  >();
  const { maxFileBytes } = settings.values.knowledge;
  const surroundings: AgentSurroundings = {
    clock: systemClock,
    knowledge,
    maxFileBytes,
    model: (name) => models.get(name),
    managed: (model) => models.managed(model),
    budget: (tenant) => spending.budget(tenant),
  };

  const register = (each: AnyAgent) => {
    const made = agentWorkflow(withLimits(each, settings.values), surroundings);
    runs.register(made);
    workflows.set(each.name, { agent: each, workflow: made as Workflow<never, AgentResult<unknown>> });
    return made;
  };
  const startAgent = async (
    named: AnyAgent | string,
    goal: string,
    options: AgentStartOptions,
  ): Promise<RunHandle<AgentResult<unknown>>> => {
    const found = findAgent(named, agents);
    if (goal.trim() === "") throw appErrors.create("goal_empty", "The goal is empty; say what is to be done.");
    const { knowledge: paths = [], model, budget, tenant, ...rest } = options;
    if (budget !== undefined) checkRunBudget(budget);
    if (tenant !== undefined) checkTenant(tenant);
    // An unknown provider is an error of the call, not of the run.
    const wanted = model ?? found.model ?? settings.values.model;
    if (typeof wanted === "string" && wanted !== "auto") await models.get(wanted);
    const known = workflows.get(found.name);
    const made = known?.agent === found ? known.workflow : register(found);
    const input = {
      goal,
      ...(paths.length > 0 ? { knowledge: paths.map((path) => resolve(settings.directory, path)) } : {}),
      ...(model === undefined ? {} : { model }),
      ...(budget === undefined ? {} : { budget }),
      ...(tenant === undefined ? {} : { tenant }),
    };
    const forRun = tenant === undefined ? rest : { ...rest, tenant };
    return await runs.start(made as Workflow<typeof input, AgentResult<unknown>>, input, forRun);
  };
  const start = ((target: AnyAgent | AnyWorkflow | string, input: unknown, options: StartOptions = {}) => {
    if (typeof target === "string" || target.kind === "agent")
      return startAgent(target, String(input), options as AgentStartOptions);
    return runs.start(target, input, options);
  }) as Atlas["start"];
  return { register, start };
}

function findAgent(named: AnyAgent | string, agents: ReadonlyMap<string, AnyAgent>): AnyAgent {
  if (typeof named !== "string") return named;
  const found = agents.get(named);
  if (found) return found;
  const known = [...agents.keys()].toSorted();
  const near = nearest(named, known);
  const hint = near === undefined ? `known: ${known.join(", ")}.` : `did you mean ${near}?`;
  throw appErrors.create("agent_unknown", `There is no agent ${JSON.stringify(named)}; ${hint}`, {
    details: { agent: named, known },
  });
}
