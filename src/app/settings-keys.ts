import { taskKinds } from "../providers/index.ts";
import { logLevels } from "../telemetry/index.ts";
import { groupStrategies } from "./settings-shape.ts";

/**
 * Is the form of a setting's value. A `path` is made absolute; `storage` is a path or an address; a `secret` is never shown; `model` is `provider/name` or
 * `group:NAME`; `weights`, `prices` and `capabilities` are tables with names of models; `data` is a table that is checked where it is used.
 */
export type SettingKind =
  | "text"
  | "texts"
  | "path"
  | "storage"
  | "paths"
  | "integer"
  | "decimal"
  | "name"
  | "members"
  | "weights"
  | "prices"
  | "capabilities"
  | "data"
  | "choice"
  | "model"
  | "secret"
  | "url"
  | "version";

/** Describes one setting. `*` in the key stands for a name that the user gives. */
export interface SettingKey {
  readonly key: string;
  readonly kind: SettingKind;
  readonly choices?: readonly string[];
  readonly minimum?: number;
  readonly initial?: string | number | readonly string[];
  readonly doc: string;
}

const limits = (prefix: string, initialSteps?: number): SettingKey[] => [
  {
    key: `${prefix}maxSteps`,
    kind: "integer",
    minimum: 1,
    ...(initialSteps === undefined ? {} : { initial: initialSteps }),
    doc: "Model calls that one run of an agent may make.",
  },
  {
    key: `${prefix}maxTokens`,
    kind: "integer",
    minimum: 1,
    doc: "Input and output tokens of all calls of one run together.",
  },
  {
    key: `${prefix}maxCostUsd`,
    kind: "decimal",
    minimum: 0,
    doc: "Money that all calls of one run together may cost, in US dollars.",
  },
  { key: `${prefix}timeoutMs`, kind: "integer", minimum: 1, doc: "Time that one run may take, in milliseconds." },
];

const milliseconds = (key: string, doc: string): SettingKey => ({ key, kind: "integer", minimum: 1, doc });

const budgets = (prefix: string, whose: string): SettingKey[] =>
  [["day", "in one day (UTC)"] as const, ["total", "ever"] as const].flatMap(([period, when]): SettingKey[] => [
    {
      key: `${prefix}budgets.${period}.maxTokens`,
      kind: "integer",
      minimum: 1,
      doc: `Tokens that ${whose} together may use ${when}.`,
    },
    {
      key: `${prefix}budgets.${period}.maxCostUsd`,
      kind: "decimal",
      minimum: 0,
      doc: `Money that ${whose} together may cost ${when}, in US dollars.`,
    },
  ]);

const groups: readonly SettingKey[] = [
  { key: "groups.*.members", kind: "members", doc: "Models of the group, each as `provider/name`. Needed." },
  {
    key: "groups.*.strategy",
    kind: "choice",
    choices: groupStrategies,
    doc: "How a member is chosen for each call, failover by default; docs/groups.md says when to use which.",
  },
  {
    key: "groups.*.weights",
    kind: "weights",
    doc: 'Share of each member, for `weighted`; 1 by default: `{ "provider/name" = 3 }`.',
  },
  {
    key: "groups.*.onText",
    kind: "choice",
    choices: ["restart", "continue", "stop"],
    doc: "What is done when a member breaks after text has been shown; restart by default.",
  },
  {
    key: "groups.*.onTools",
    kind: "choice",
    choices: ["stop", "restart"],
    doc: "What is done when a member breaks after a tool call has been shown; stop by default.",
  },
  {
    key: "groups.*.maxAttempts",
    kind: "integer",
    minimum: 1,
    doc: "Attempts that one call may take, over all members.",
  },
  milliseconds(
    "groups.*.firstPartMs",
    "Time that a member has until its answer begins, while another could take the call, in milliseconds.",
  ),
  milliseconds("groups.*.affinityMs", "Time for which the calls of one run stay on one member, in milliseconds."),
];

/** Lists every setting: files, environment, `config explain` and docs/configuration.md all come from this table. */
export const settingKeys: readonly SettingKey[] = [
  { key: "version", kind: "version", initial: 1, doc: "Version of the settings' form; 1." },
  {
    key: "model",
    kind: "model",
    initial: "auto",
    doc: "Model to use: `provider/name`, `group:NAME`, or `auto` for the best that can be used here.",
  },
  {
    key: "storage",
    kind: "storage",
    initial: ".atlas/atlas.db",
    doc: "File of the database that keeps runs and knowledge, or address of a PostgreSQL server, as in `postgres://user@host:5432/atlas`; its password may stand in PGPASSWORD.",
  },
  {
    key: "log.level",
    kind: "choice",
    choices: logLevels,
    initial: "warn",
    doc: "Least severe log lines that are written.",
  },
  {
    key: "log.format",
    kind: "choice",
    choices: ["pretty", "json"],
    initial: "pretty",
    doc: "Form of log lines: for people, or one JSON object a line.",
  },
  {
    key: "knowledge.paths",
    kind: "paths",
    initial: [],
    doc: "Files and folders whose documents every agent may search.",
  },
  {
    key: "knowledge.maxFileBytes",
    kind: "integer",
    minimum: 1,
    initial: 1_073_741_824,
    doc: "Larger files are left out and reported.",
  },
  { key: "agents.*.instructions", kind: "text", doc: "What the agent is told about its work. Needed." },
  { key: "agents.*.model", kind: "model", doc: "The agent's model." },
  { key: "agents.*.knowledge", kind: "paths", doc: "Files and folders whose documents the agent may search." },
  { key: "agents.*.tools", kind: "texts", doc: "Names of the tools it may use, as the modules export them." },
  {
    key: "agents.*.task",
    kind: "name",
    doc: `Kind of its work, for groups that choose by it: ${taskKinds.slice(0, -1).join(", ")} or ${taskKinds.at(-1)}; or a name of your own that models have a strength for.`,
  },
  ...limits("agents.*.limits."),
  {
    key: "modules",
    kind: "paths",
    initial: [],
    doc: "Files (globs allowed) that export agents, teams, graphs, tools, workflows or providers.",
  },
  {
    key: "agentsFolder",
    kind: "path",
    doc: "Folder that holds an agent in each folder of its own, as `agents/guide/agent.md` or `agent.ts`; by default the project's `agents`, where there is one.",
  },
  {
    key: "permissions",
    kind: "texts",
    doc: "What the tools of every agent may do, as in `net` or `fs:read`; everything when it is left out.",
  },
  {
    key: "providers.*.kind",
    kind: "choice",
    choices: ["openai", "openai-responses", "anthropic", "ollama", "openai-compatible", "custom", "local"],
    doc: "Wire format that the provider speaks. Needed, unless Atlas knows the name, as in openai, anthropic, ollama or groq.",
  },
  {
    key: "providers.*.apiKey",
    kind: "secret",
    doc: "Key of the provider. In a file, name a variable: `${OPENAI_API_KEY}`.",
  },
  { key: "providers.*.baseUrl", kind: "url", doc: "Address of the provider's API." },
  milliseconds("providers.*.timeouts.connectMs", "Time to reach the provider, in milliseconds."),
  milliseconds("providers.*.timeouts.firstPartMs", "Time until the answer begins, in milliseconds."),
  milliseconds("providers.*.timeouts.idleMs", "Silence within an answer that ends it, in milliseconds."),
  milliseconds("providers.*.timeouts.totalMs", "Time for the whole answer, in milliseconds."),
  {
    key: "providers.*.endpoint",
    kind: "data",
    doc: "Description of a `custom` endpoint; docs/providers/custom.md has its keys.",
  },
  { key: "providers.*.path", kind: "path", doc: "Model file (GGUF), or folder of such files, of a `local` provider." },
  {
    key: "providers.*.contextTokens",
    kind: "integer",
    minimum: 1,
    doc: "Context that a `local` or `ollama` model is given, in tokens.",
  },
  { key: "providers.*.oauth.tokenUrl", kind: "url", doc: "Address that gives access tokens, instead of a key." },
  { key: "providers.*.oauth.clientId", kind: "text", doc: "Name of the client at the token address." },
  { key: "providers.*.oauth.clientSecret", kind: "secret", doc: "Secret of the client at the token address." },
  { key: "providers.*.oauth.refreshToken", kind: "secret", doc: "Refresh token, where access is a person's." },
  { key: "providers.*.oauth.scope", kind: "text", doc: "Scopes that are asked for, with spaces between." },
  {
    key: "providers.*.limits.requestsPerMinute",
    kind: "integer",
    minimum: 1,
    doc: "Requests that may be sent in any minute, over all models of the provider.",
  },
  {
    key: "providers.*.limits.tokensPerMinute",
    kind: "integer",
    minimum: 1,
    doc: "Input and output tokens in any minute, over all models of the provider.",
  },
  {
    key: "providers.*.limits.concurrency",
    kind: "integer",
    minimum: 1,
    doc: "Calls that may run at the same time, over all models of the provider.",
  },
  {
    key: "providers.*.prices",
    kind: "prices",
    doc: 'Prices of models by name, in US dollars for a million tokens, over the price table: `{ "name" = { inputPerMillion = 1, outputPerMillion = 4 } }`.',
  },
  {
    key: "providers.*.capabilities",
    kind: "capabilities",
    doc: 'What models can do, by name, over the capability table: `{ "name" = { contextTokens = 32000, strengths = { code = 0.8 } } }`.',
  },
  { key: "providers.*.models", kind: "texts", doc: "Models of the provider to use, the preferred one first." },
  ...groups,
  ...budgets("", "all runs"),
  {
    key: "budgets.unknownPrices",
    kind: "choice",
    choices: ["refuse", "allow"],
    initial: "refuse",
    doc: "Whether a model whose price is not known may be called where money is limited.",
  },
  ...budgets("tenants.*.", "the runs of the tenant"),
  ...limits("limits.", 32),
  {
    key: "worker.name",
    kind: "name",
    doc: "Name of this process in lists of workers; made of its process id by default.",
  },
  { key: "worker.queues", kind: "texts", doc: "Queues that this process takes runs from; all by default." },
  {
    key: "worker.minRuns",
    kind: "integer",
    minimum: 1,
    initial: 1,
    doc: "Runs from queues that this process takes at once at least, whatever its load.",
  },
  {
    key: "worker.maxRuns",
    kind: "integer",
    minimum: 1,
    initial: 64,
    doc: "Runs from queues that this process takes at once at most.",
  },
  {
    key: "worker.maxRssMb",
    kind: "integer",
    minimum: 1,
    doc: "Memory of this process, in megabytes, beyond which it takes no more runs.",
  },
  {
    key: "retention.keepDays",
    kind: "integer",
    minimum: 0,
    initial: 30,
    doc: "Days for which finished runs are kept.",
  },
  {
    key: "retention.maxRuns",
    kind: "integer",
    minimum: 0,
    initial: 100_000,
    doc: "Finished runs that are kept at most.",
  },
];

/** Tells whether agents, providers, groups and tenants may have this name. Names that every object has are none: they would reach beyond the settings. */
export function isName(name: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(name) && !(name in Object.prototype);
}

/** Finds the description of a setting by its full key, such as `agents.guide.model`. */
export function findKey(key: string): SettingKey | undefined {
  const parts = key.split(".");
  return settingKeys.find((candidate) => {
    const names = candidate.key.split(".");
    const fits = (name: string, part: string): boolean => (name === "*" ? isName(part) : name === part);
    return names.length === parts.length && names.every((name, index) => fits(name, parts[index] ?? ""));
  });
}

/** Lists the names that can follow a prefix such as `log` or `agents.guide`; `*` where the user gives the name. */
export function namesUnder(prefix: readonly string[]): readonly string[] {
  const names = new Set<string>();
  for (const { key } of settingKeys) {
    const parts = key.split(".");
    if (parts.length > prefix.length && prefix.every((part, index) => parts[index] === "*" || parts[index] === part)) {
      names.add(parts[prefix.length] ?? "");
    }
  }
  return [...names];
}

/** Gives the name of a setting's environment variable: `limits.maxSteps` is `ATLAS_LIMITS_MAX_STEPS`. */
export function variableOf(key: string): string {
  if (key === "log.level") return "ATLAS_LOG";
  const words = key.replaceAll(/[.-]/g, "_").replaceAll(/([a-z])([A-Z])/g, "$1_$2");
  return `ATLAS_${words.toUpperCase()}`;
}
