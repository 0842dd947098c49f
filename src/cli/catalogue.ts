import { agents, tools } from "./agents-catalogue.ts";
import type { CommandSpec } from "./command.ts";
import { knowledge, model, shared } from "./shared-options.ts";
import { graphs } from "./graph-catalogue.ts";
import { plan } from "./plan-catalogue.ts";
import { queue } from "./queue-catalogue.ts";

const runs: CommandSpec = {
  name: "runs",
  summary: "see and steer runs",
  args: [],
  options: [],
  commands: [
    {
      name: "list",
      summary: "list runs, the newest first",
      args: [],
      options: [
        ...shared,
        {
          flags: "--status <status>",
          description:
            "only blocked, queued, running, waiting, completed, failed, cancelled, skipped, interrupted, paused or dead runs",
        },
        { flags: "--queue <name>", description: "only of this queue" },
        { flags: "--tenant <name>", description: "only of this tenant" },
        { flags: "-n, --limit <count>", description: "at most this many (default: 20)", form: "count" },
      ],
      load: async () => (await import("./commands/runs-list.ts")).runsList,
    },
    {
      name: "show",
      summary: "show a run with its result",
      args: [["<id>", "id of the run"]],
      options: shared,
      load: async () => (await import("./commands/runs-show.ts")).runsShow,
    },
    {
      name: "events",
      summary: "print the log of a run, one event a line",
      args: [["<id>", "id of the run"]],
      options: [
        ...shared,
        { flags: "-f, --follow", description: "go on until the run has ended" },
        { flags: "--after <seq>", description: "only events after this number", form: "count" },
      ],
      load: async () => (await import("./commands/runs-events.ts")).runsEvents,
    },
    {
      name: "cancel",
      summary: "cancel a run",
      args: [["<id>", "id of the run"]],
      options: [...shared, { flags: "--reason <text>", description: "why, for the log" }],
      load: async () => (await import("./commands/runs-cancel.ts")).runsCancel,
    },
    {
      name: "resume",
      summary: "end a pause, or take up an interrupted run, or all of them",
      args: [["[id]", "id of the run"]],
      options: [...shared, { flags: "--all", description: "every interrupted run" }],
      load: async () => (await import("./commands/runs-resume.ts")).runsResume,
    },
    {
      name: "pause",
      summary: "stop a run and its children before their next step",
      args: [["<id>", "id of the run"]],
      options: shared,
      load: async () => (await import("./commands/runs-pause.ts")).runsPause,
    },
    {
      name: "steer",
      summary: "send words to a live run, which its agent reads before its next model call",
      args: [
        ["<id>", "id of the run"],
        ["[words...]", "what to say"],
      ],
      options: [...shared, { flags: "--data <json>", description: "JSON in place of words" }],
      examples: ['atlas runs steer ID "leave the appendix out"'],
      load: async () => (await import("./commands/runs-steer.ts")).runsSteer,
    },
    {
      name: "signal",
      summary: "send a signal that a run waits for, such as an approval",
      args: [
        ["<id>", "id of the run"],
        ["<name>", "name of the signal"],
      ],
      options: [
        ...shared,
        { flags: "--data <json>", description: "what the signal says (default: null)" },
        { flags: "--early", description: "keep it for a run that does not wait for it yet" },
      ],
      examples: ["atlas runs signal ID approve --data '{\"approved\":true}'"],
      load: async () => (await import("./commands/runs-signal.ts")).runsSignal,
    },
    {
      name: "fork",
      summary: "start a new run from what another one had recorded",
      args: [["<id>", "id of the run"]],
      options: [
        ...shared,
        { flags: "--at <seq>", description: "keep the log up to this entry (default: all of it)", form: "count" },
        { flags: "--input <json>", description: "another input; then nothing that was recorded is kept" },
      ],
      load: async () => (await import("./commands/runs-fork.ts")).runsFork,
    },
    {
      name: "decide",
      summary: "say what became of an effect that a crash cut off",
      args: [
        ["<id>", "id of the run"],
        ["<key>", "key of the step, as its log names it"],
        ["<outcome>", "done, retry or fail"],
      ],
      options: [
        ...shared,
        { flags: "--output <json>", description: "what it gave, if it was done" },
        { flags: "--reason <text>", description: "why it failed" },
      ],
      load: async () => (await import("./commands/runs-decide.ts")).runsDecide,
    },
  ],
};

const providers: CommandSpec = {
  name: "providers",
  summary: "show which models can be used here, and why",
  args: [],
  options: [...shared, { flags: "--check", description: "ask each provider for its models; never generates" }],
  load: async () => (await import("./commands/providers.ts")).providers,
  commands: [
    {
      name: "check",
      summary: "ask providers whether they can be reached and take the key; never generates",
      args: [["[provider...]", "names of providers (default: all that can be used here)"]],
      options: shared,
      examples: ["atlas providers check openai"],
      load: async () => (await import("./commands/providers-check.ts")).providersCheck,
    },
    {
      name: "find",
      summary: "find the models that can do something, the best first",
      args: [],
      options: [
        ...shared,
        {
          flags: "-t, --task <kind>",
          description: "chat, code, reasoning, writing, summary, extraction, tools, vision or long_context",
        },
        {
          flags: "-n, --needs <ability>",
          description: "tools, structured-output, reasoning, prefill, images, pdf or audio; may be repeated",
          form: "list",
        },
        { flags: "--context <tokens>", description: "tokens that it must be able to read", form: "count" },
        { flags: "--prefer <what>", description: "strength (default), cost or balance" },
      ],
      examples: ["atlas providers find --task code --needs tools --prefer balance"],
      load: async () => (await import("./commands/providers-find.ts")).providersFind,
    },
  ],
};

const db: CommandSpec = {
  name: "db",
  summary: "look after the database: status, migrate, backup, restore, check",
  args: [],
  options: [],
  commands: [
    {
      name: "status",
      summary: "show where the database is, its size, versions, tables, engines and queues",
      args: [],
      options: shared,
      load: async () => (await import("./commands/db-status.ts")).dbStatus,
    },
    {
      name: "migrate",
      summary: "bring the database up to date with this program",
      args: [],
      options: shared,
      load: async () => (await import("./commands/db-migrate.ts")).dbMigrate,
    },
    {
      name: "backup",
      summary: "write a consistent copy to a new file, while the database is used",
      args: [["<file>", "file to write; there must be none of that name"]],
      options: [
        ...shared,
        {
          flags: "--portable",
          description: "write what PostgreSQL and SQLite can both be restored from, without the knowledge",
        },
      ],
      examples: ["atlas db backup backups/monday.db", "atlas db backup move.atlas --portable"],
      load: async () => (await import("./commands/db-backup.ts")).dbBackup,
    },
    {
      name: "restore",
      summary: "restore a backup into a database that is new or empty",
      args: [["<file>", "file that atlas db backup wrote"]],
      options: shared,
      examples: ["atlas db restore move.atlas --storage postgres://atlas@db.example/atlas"],
      load: async () => (await import("./commands/db-restore.ts")).dbRestore,
    },
    {
      name: "check",
      summary: "read the whole database and check that it is sound",
      args: [],
      options: shared,
      load: async () => (await import("./commands/db-check.ts")).dbCheck,
    },
  ],
};

/** Lists the commands of `atlas`. */
export const catalogue: readonly CommandSpec[] = [
  {
    name: "run",
    summary: "reach a goal with an agent",
    args: [["[goal...]", "what you want; - reads it from the standard input"]],
    options: [
      ...shared,
      knowledge,
      model,
      {
        flags: "-a, --agent <name>",
        description: "agent or team to use, also manager or supervisor (default: assistant)",
      },
      { flags: "--new", description: "start anew even if the same run was interrupted" },
      { flags: "--max-steps <count>", description: "model calls that the run may make", form: "count" },
      { flags: "--max-tokens <count>", description: "tokens that all calls of the run may use", form: "count" },
      { flags: "--max-cost <usd>", description: "US dollars that all calls of the run may cost", form: "amount" },
      { flags: "--tenant <name>", description: "whose run this is: it spends the budget of this tenant" },
      {
        flags: "--thread <name>",
        description: "conversation that it goes on with: what was said before is remembered",
      },
      { flags: "--queue <name>", description: "let a worker begin it: print its id and end" },
      { flags: "--priority <level>", description: "in the queue: -10 to 10; higher goes first" },
      { flags: "--at <time>", description: "in the queue: not before this time" },
    ],
    examples: ['atlas run "How do I configure logging?" --knowledge docs', "atlas run - --json < goal.txt"],
    load: async () => (await import("./commands/run.ts")).run,
  },
  plan,
  {
    name: "ingest",
    summary: "read documents, so that searching them is quick",
    args: [["<path...>", "files and folders"]],
    options: shared,
    examples: ["atlas ingest docs README.md"],
    load: async () => (await import("./commands/ingest.ts")).ingest,
  },
  {
    name: "search",
    summary: "search documents, without any model",
    args: [["<query...>", "what to look for"]],
    options: [
      ...shared,
      knowledge,
      { flags: "-n, --limit <count>", description: "at most this many (default: 10)", form: "count" },
    ],
    examples: ['atlas search "retry policy" --knowledge docs --json'],
    load: async () => (await import("./commands/search.ts")).search,
  },
  runs,
  {
    name: "worker",
    summary: "take runs from queues until a signal ends it in order",
    args: [],
    options: [
      ...shared,
      { flags: "--queue <name>", description: "queue to work on; may be repeated (default: all)", form: "list" },
      { flags: "--max <count>", description: "runs at once, at most (default: 64)", form: "count" },
      { flags: "--name <name>", description: "name in lists of workers" },
      {
        flags: "--drain <seconds>",
        description: "time that runs have to end after a signal (default: 30)",
        form: "count",
      },
    ],
    examples: ["atlas worker --queue mail --max 16", "atlas worker --storage postgres://atlas@db.example/atlas"],
    load: async () => (await import("./commands/worker.ts")).worker,
  },
  queue,
  agents,
  tools,
  graphs,
  providers,
  db,
  {
    name: "budgets",
    summary: "show what was spent, and what is left of the budgets",
    args: [],
    options: shared,
    load: async () => (await import("./commands/budgets.ts")).budgets,
  },
  {
    name: "rewards",
    summary: "show what agents, models and tools earned, and who is benched",
    args: [],
    options: [
      ...shared,
      { flags: "--task <kind>", description: "only this kind of task" },
      { flags: "-a, --agent <name>", description: "only this agent" },
      { flags: "-m, --model <provider/name>", description: "only this model" },
    ],
    examples: ["atlas rewards --task code --json"],
    load: async () => (await import("./commands/rewards.ts")).rewards,
  },
  {
    name: "bench",
    summary: "measure",
    args: [],
    options: [],
    commands: [
      {
        name: "providers",
        summary: "compare models on standard prompts: latency, tokens, cost and quality",
        args: [["[model...]", "models or groups (default: all that can be used here)"]],
        options: [
          ...shared,
          {
            flags: "-j, --judge <provider/name>",
            description: "model that grades the answers; best one of another provider",
          },
          { flags: "-r, --rounds <count>", description: "how often each prompt is asked (default: 3)", form: "count" },
          {
            flags: "-p, --prompt <id>",
            description: "only this prompt, such as facts or json; may be repeated",
            form: "list",
          },
          { flags: "--html <file>", description: "write the comparison as a page" },
        ],
        examples: ["atlas bench providers openai/gpt-5.4-mini ollama/qwen3:4b --judge anthropic/claude-sonnet-5"],
        load: async () => (await import("./commands/bench-providers.ts")).benchProviders,
      },
    ],
  },
  {
    name: "config",
    summary: "show the settings",
    args: [],
    options: [],
    commands: [
      {
        name: "explain",
        summary: "show settings with their values and where these come from",
        args: [["[key]", "a setting or a section, as in log or limits.maxSteps"]],
        options: shared,
        examples: ["atlas config explain model"],
        load: async () => (await import("./commands/config-explain.ts")).configExplain,
      },
    ],
  },
  {
    name: "doctor",
    summary: "check that everything works here, and say what to do",
    args: [],
    options: shared,
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "demo",
    summary: "answer questions about the packages that are installed here, offline",
    args: [["[question...]", "a question of your own"]],
    options: [...shared, knowledge, model],
    load: async () => (await import("./commands/demo.ts")).demo,
  },
];
