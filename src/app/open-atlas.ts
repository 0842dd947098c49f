import { createKnowledge } from "../knowledge/index.ts";
import { createRuns } from "../runs/index.ts";
import type { Runs } from "../runs/index.ts";
import { createRedactor } from "../security/index.ts";
import type { Database, DatabaseCheck } from "../storage/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { createToolMetrics } from "../tools/index.ts";
import { createLogger } from "../telemetry/index.ts";
import type { Atlas, AtlasOptions } from "./atlas.ts";
import { openRegistry } from "./agent-registry.ts";
import { knownTeams } from "./known-agents.ts";
import { createModels } from "./models.ts";
import { loadModules } from "./modules.ts";
import type { Definition } from "./modules.ts";
import { once } from "./once.ts";
import type { LoadedSettings, SettingsInput } from "./settings.ts";
import { loadSettings } from "./settings.ts";
import { createSpending } from "./spending.ts";
import type { Spending } from "./spending.ts";
import { standingTeams, withPlanning } from "./standing-teams.ts";
import { createStarter } from "./starter.ts";
import type { Stores } from "./stores.ts";
import { openStores } from "./stores.ts";

/** Does what `createAtlas` says. */
export async function openAtlas(options: AtlasOptions = {}): Promise<Atlas> {
  const settings = await settingsOf(options);
  const logger = options.logger ?? standardLogger(settings);
  for (const warning of settings.warnings) logger.warn(warning);
  await using parts = new AsyncDisposableStack();
  const definitions: Definition[] = [];
  const defined = await loadModules(settings.values.modules, undefined, (each) => void definitions.push(each));
  const models = parts.use(createModels(settings.values, [...defined.providers, ...(options.providers ?? [])]));
  const { registry, agents, tools, follow } = await openRegistry({
    settings,
    defined,
    definitions,
    agents: options.agents ?? [],
    logger,
    hasModel: (name) => models.get(name).then(Boolean, () => false),
    strict: options.strict === true,
  });
  const graphs = new Map([...defined.graphs, ...(options.graphs ?? [])].map((each) => [each.name, each]));
  const teams = knownTeams(withPlanning([...defined.teams, ...(options.teams ?? [])]), agents);
  const standing = standingTeams(agents);
  const stores = options.database ? onlyStore(options.database) : parts.use(await openStores(settings, logger));
  const { database } = stores;
  const knowledge = await createKnowledge({ database: stores.knowledge, logger: quieter(logger) });
  const spending = parts.use(createSpending(settings.values, database));
  const rewards = once(async () => await (await import("../teams/reward/index.ts")).openRewards({ database }));
  const memory = once(async () => await (await import("../memory/index.ts")).openMemory({ database }));
  const runs = parts.use(await openRuns(options, { settings, stores, logger, spending }));
  const toolMetrics = createToolMetrics(options.telemetry ? { telemetry: options.telemetry } : {});
  const known = { settings, runs, knowledge, models, agents, registry, teams, spending, rewards, memory };
  const starter = createStarter({ ...known, toolMetrics, standing, database });
  follow((agent) => void starter.resolve(agent));
  const versions = registry.list().flatMap(({ agent }) => agent ?? []);
  const unnamed = [...standing.values()].filter(({ name }) => !teams.has(name) && !agents.has(name));
  for (const each of [...versions, ...unnamed, ...teams.values(), ...graphs.values()]) starter.resolve(each);
  for (const each of [...defined.workflows, ...(options.workflows ?? [])]) runs.register(each);
  if (options.recover !== false) await takeUp(runs, logger);
  const held = parts.move();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= held.disposeAsync());
  return {
    ...known,
    graphs,
    tools: { list: tools, use: () => toolMetrics.list() },
    start: starter.start,
    check: () => checkStores(stores),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function takeUp(runs: Runs, logger: Logger): Promise<void> {
  const recovered = await runs.recover();
  if (recovered.length > 0) logger.info("interrupted runs taken up", { runs: recovered.length });
}

async function openRuns(
  { worker, telemetry }: AtlasOptions,
  parts: {
    readonly settings: LoadedSettings;
    readonly stores: Pick<Stores, "database" | "queue">;
    readonly logger: Logger;
    readonly spending: Spending;
  },
): Promise<Awaited<ReturnType<typeof createRuns>>> {
  const { settings, stores, logger, spending } = parts;
  const { keepDays, maxRuns } = settings.values.retention;
  return await createRuns({
    database: stores.database,
    logger,
    retention: { keepMs: keepDays * 86_400_000, maxRuns },
    budget: (tenant) => spending.budget(tenant),
    calendar: async () => (await import("../runs/adapters/croner.ts")).croner(),
    worker: worker === false ? false : { ...settings.values.worker, ...worker },
    ...(stores.queue ? { queue: stores.queue } : {}),
    ...(telemetry ? { telemetry } : {}),
  });
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
