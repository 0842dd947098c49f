import type { Agent, AgentResult, AnyAgent, Registry, RunBudget } from "../agents/index.ts";
import type { AnyGraph, Graph } from "../graph/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import type { DurableMemory } from "../memory/index.ts";
import type { Provider } from "../providers/index.ts";
import type { AnyWorkflow, RunHandle, Runs, StartOptions, WorkerOptions, Workflow } from "../runs/index.ts";
import type { Database, DatabaseCheck } from "../storage/index.ts";
import type { AnyTeam, Team } from "../teams/index.ts";
import type { RewardLedger } from "../teams/reward/index.ts";
import type { Logger, Telemetry } from "../telemetry/index.ts";
import type { AnyTool, ToolUse } from "../tools/index.ts";
import type { Environment } from "./settings-environment.ts";
import type { Models } from "./models.ts";
import type { LoadedSettings, SettingsInput } from "./settings.ts";
import type { Spending } from "./spending.ts";

/** Is what Atlas is made of, beside what the settings name. */
export interface AtlasParts {
  readonly agents?: readonly AnyAgent[];
  readonly teams?: readonly AnyTeam[];
  readonly graphs?: readonly AnyGraph[];
  readonly workflows?: readonly AnyWorkflow[];
  /** Providers beside the built-in ones; one of the same name replaces the built-in. */
  readonly providers?: readonly Provider[];
  readonly database?: Database;
  readonly logger?: Logger;
  readonly telemetry?: Telemetry;
}

/** Is what `createAtlas` takes; everything has a default. */
export interface AtlasOptions extends AtlasParts {
  /** Overrides of settings, the last word over file and environment; or all settings, as `loadSettings` gave them. */
  readonly settings?: SettingsInput | LoadedSettings;
  /** The project's folder: where atlas.toml is looked for and `.atlas/` is kept. The process's by default. */
  readonly directory?: string;
  /** The environment that settings and keys are read from; `process.env` by default. */
  readonly environment?: Environment;
  /** Refuses to start where anything is wrong with an agent, as `atlas agents check` tells it; false by default: then it is warned of. */
  readonly strict?: boolean;
  /** Takes up interrupted runs at start; true by default. */
  readonly recover?: boolean;
  /** What this process takes from queues, over the settings; false takes nothing, and only starts, follows and steers. */
  readonly worker?: WorkerOptions | false;
}

/** Are the options of starting an agent. */
export interface AgentStartOptions extends Omit<StartOptions, "budget" | "tenant"> {
  readonly knowledge?: readonly string[];
  /** `provider/name` or `group:NAME`; overrules the agent's own model. */
  readonly model?: string;
  /** Names a conversation: the agent remembers what was said in it, and goes on with it. */
  readonly thread?: string;
  /** What this run may spend. */
  readonly budget?: RunBudget;
  /** Whose run this is: it spends what the settings give to this tenant, and all runs together, also when it is taken up again. */
  readonly tenant?: string;
}

/** Are the tools that are known here: those of modules, and those of agents. */
export interface KnownTools {
  list(): readonly AnyTool[];
  /** Tells what agents used them for since this Atlas was opened. Order: most calls first. */
  use(): readonly ToolUse[];
}

/** Is a running Atlas: one database, its runs, its knowledge, its models. */
export interface Atlas extends AsyncDisposable {
  readonly settings: LoadedSettings;
  readonly runs: Runs;
  readonly knowledge: Knowledge;
  /** Known agents by name; `assistant` is always there. */
  readonly agents: ReadonlyMap<string, AnyAgent>;
  /** Is where agents are found by version and capability, added, and read again; `agents` follows it. */
  readonly registry: Registry;
  /** The tools that are known here. */
  readonly tools: KnownTools;
  /** Known teams by name. */
  readonly teams: ReadonlyMap<string, AnyTeam>;
  /** Known graphs by name. */
  readonly graphs: ReadonlyMap<string, AnyGraph>;
  /** Finds models by `provider/name`, the one to use without a name, and says what can be used here. */
  readonly models: Models;
  /** What all runs together, and those of each tenant, may spend and have spent. */
  readonly spending: Spending;
  /** Opens the ledger of what agents, models and tools earned. Cost: loaded and opened at the first call. */
  readonly rewards: () => Promise<RewardLedger>;
  /** Opens the memory of conversations, and of facts that are pinned. Cost: loaded and opened at the first call. */
  readonly memory: () => Promise<DurableMemory>;
  /** Starts an agent or a team on a goal. Errors: agent_unknown, goal_empty, provider_unknown, invalid_input for a budget or a tenant that is none, and those of the run. */
  start<Output = string>(
    agent: Agent<Output> | Team<Output> | string,
    goal: string,
    options?: AgentStartOptions,
  ): Promise<RunHandle<AgentResult<Output>>>;
  /** Starts a graph on a state; what its schema has defaults for may be left out. Errors: invalid_input, graph_part_missing. */
  start<Input, State>(graph: Graph<Input, State>, state: Input, options?: StartOptions): Promise<RunHandle<State>>;
  /** Starts a workflow. */
  start<Input, Output>(
    workflow: Workflow<Input, Output>,
    input: Input,
    options?: StartOptions,
  ): Promise<RunHandle<Output>>;
  /** Reads the whole database and checks its integrity. Cost: reads every page. */
  check(): Promise<DatabaseCheck>;
  /** Stops taking work, interrupts what runs (it is kept, and taken up again at the next start) and frees everything. Every call waits for the same end. */
  close(): Promise<void>;
}
