import type { CommandSpec, OptionSpec } from "./command.ts";
import { shared } from "./shared-options.ts";

const name: CommandSpec["args"] = [["<name>", "name of the queue"]];
const yes: OptionSpec = { flags: "--yes", description: "really" };
const filter: readonly OptionSpec[] = [
  { flags: "--queue <name>", description: "only of this queue" },
  { flags: "--workflow <name>", description: "only of this workflow" },
  { flags: "--code <code>", description: "only those that failed with this code" },
  { flags: "-n, --limit <count>", description: "at most this many", form: "count" },
];
const all: OptionSpec = { flags: "--all", description: "every dead letter" };

const dead: CommandSpec = {
  name: "dead",
  summary: "see, redrive and purge the runs that failed for good",
  args: [],
  options: [],
  commands: [
    {
      name: "list",
      summary: "list dead letters",
      args: [],
      options: [...shared, ...filter],
      load: async () => (await import("./commands/queue-dead.ts")).queueDeadList,
    },
    {
      name: "show",
      summary: "show the whole story of a dead letter",
      args: [["<id>", "id of the run"]],
      options: shared,
      load: async () => (await import("./commands/queue-dead.ts")).queueDeadShow,
    },
    {
      name: "redrive",
      summary: "start dead letters again where they stood",
      args: [["[id...]", "ids of runs"]],
      options: [
        ...shared,
        ...filter,
        all,
        { flags: "--input <json>", description: "another input; then from the start" },
        { flags: "--from-start", description: "forget what was recorded" },
      ],
      examples: ["atlas queue dead redrive --code server_error"],
      load: async () => (await import("./commands/queue-dead.ts")).queueDeadRedrive,
    },
    {
      name: "purge",
      summary: "delete dead letters with their logs",
      args: [["[id...]", "ids of runs"]],
      options: [...shared, ...filter, all, yes],
      load: async () => (await import("./commands/queue-dead.ts")).queueDeadPurge,
    },
  ],
};

const timezone: OptionSpec = { flags: "--timezone <zone>", description: "as in Europe/Lisbon (default: UTC)" };
const schedules: CommandSpec = {
  name: "schedules",
  summary: "start runs by the calendar",
  args: [],
  options: [],
  commands: [
    {
      name: "list",
      summary: "list schedules with their next time",
      args: [],
      options: shared,
      load: async () => (await import("./commands/queue-schedules.ts")).queueSchedulesList,
    },
    {
      name: "set",
      summary: "make or change a schedule",
      args: [["<name>", "name of the schedule"]],
      options: [
        ...shared,
        { flags: "--workflow <name>", description: "what to start; an agent is agent:NAME" },
        { flags: "--cron <fields>", description: "when: five or six fields" },
        { flags: "--input <json>", description: "input of each run (default: null)" },
        timezone,
        { flags: "--queue <name>", description: "queue to put the runs into" },
        { flags: "--tenant <name>", description: "whose runs they are" },
        { flags: "--missed <what>", description: "times that passed while nothing ran: skip (default) or once" },
      ],
      examples: ['atlas queue schedules set report --workflow report --cron "0 6 * * 1" --timezone Europe/Lisbon'],
      load: async () => (await import("./commands/queue-schedules.ts")).queueSchedulesSet,
    },
    {
      name: "remove",
      summary: "remove a schedule",
      args: [["<name>", "name of the schedule"]],
      options: shared,
      load: async () => (await import("./commands/queue-schedules.ts")).queueSchedulesRemove,
    },
    {
      name: "preview",
      summary: "show when a cron expression comes next",
      args: [["<cron>", "five or six fields"]],
      options: [
        ...shared,
        timezone,
        { flags: "-n, --count <count>", description: "how many times (5)", form: "count" },
      ],
      load: async () => (await import("./commands/queue-schedules.ts")).queueSchedulesPreview,
    },
  ],
};

/** Describes `atlas queue` with the commands under it. */
export const queue: CommandSpec = {
  name: "queue",
  summary: "see and steer queues, dead letters and schedules",
  args: [],
  options: [],
  commands: [
    {
      name: "list",
      summary: "list queues with what waits and runs",
      args: [],
      options: shared,
      load: async () => (await import("./commands/queue-list.ts")).queueList,
    },
    {
      name: "show",
      summary: "show a queue with its limits",
      args: name,
      options: shared,
      load: async () => (await import("./commands/queue-show.ts")).queueShow,
    },
    {
      name: "pause",
      summary: "let no worker take runs from a queue",
      args: name,
      options: shared,
      load: async () => (await import("./commands/queue-pause.ts")).queuePause,
    },
    {
      name: "resume",
      summary: "let workers take runs from a queue again",
      args: name,
      options: shared,
      load: async () => (await import("./commands/queue-pause.ts")).queueResume,
    },
    {
      name: "limit",
      summary: "set how much of a queue may run at once, over all workers",
      args: name,
      options: [
        ...shared,
        { flags: "--concurrency <count>", description: "runs at once in all", form: "count" },
        { flags: "--per-tenant <count>", description: "runs at once of each tenant", form: "count" },
        { flags: "--tenant <name=count>", description: "runs at once of this tenant; may be repeated", form: "list" },
        {
          flags: "--weight <name=number>",
          description: "this tenant's share against 1; may be repeated",
          form: "list",
        },
        { flags: "--none", description: "lift all limits" },
      ],
      examples: ["atlas queue limit mail --concurrency 20 --per-tenant 4 --tenant acme=8"],
      load: async () => (await import("./commands/queue-limit.ts")).queueLimit,
    },
    {
      name: "purge",
      summary: "cancel every run of a queue that has not begun",
      args: name,
      options: [...shared, yes],
      load: async () => (await import("./commands/queue-purge.ts")).queuePurge,
    },
    dead,
    schedules,
  ],
};
