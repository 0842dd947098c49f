import type { CommandSpec } from "./command.ts";
import { shared } from "./shared-options.ts";

/** Describes `atlas agents` and the commands under it. */
export const agents: CommandSpec = {
  name: "agents",
  summary: "see which agents there are, find one for some work, and check them",
  args: [],
  options: [],
  commands: [
    {
      name: "list",
      summary: "list agents with their versions, capabilities and where they come from",
      args: [],
      options: shared,
      load: async () => (await import("./commands/agents-list.ts")).agentsList,
    },
    {
      name: "show",
      summary: "show all that is known of an agent",
      args: [["<name>", "name of the agent, or NAME@RANGE"]],
      options: shared,
      examples: ["atlas agents show guide", "atlas agents show guide@^1.0.0"],
      load: async () => (await import("./commands/agents-show.ts")).agentsShow,
    },
    {
      name: "query",
      summary: "find the agents that can do something, the best first",
      args: [],
      options: [
        ...shared,
        {
          flags: "-c, --capability <name>",
          description: "what it must be good at; may be repeated",
          form: "list",
        },
        { flags: "-t, --task <kind>", description: "kind of work, such as code or summary" },
        { flags: "--tool <name>", description: "tool that it must have, or NAME@RANGE; may be repeated", form: "list" },
        { flags: "--documents", description: "it must have documents" },
      ],
      examples: ["atlas agents query --capability research --tool search@^1.0.0"],
      load: async () => (await import("./commands/agents-query.ts")).agentsQuery,
    },
    {
      name: "check",
      summary: "check that agents have what they require, and that their files can be used",
      args: [],
      options: shared,
      load: async () => (await import("./commands/agents-check.ts")).agentsCheck,
    },
  ],
};

/** Describes `atlas tools` and the commands under it. */
export const tools: CommandSpec = {
  name: "tools",
  summary: "see which tools agents have, write their documentation, and what they were used for",
  args: [],
  options: [],
  commands: [
    {
      name: "list",
      summary: "list tools with their versions, permissions and agents",
      args: [],
      options: shared,
      load: async () => (await import("./commands/tools-list.ts")).toolsList,
    },
    {
      name: "docs",
      summary: "write the documentation of all tools as Markdown",
      args: [],
      options: [...shared, { flags: "-o, --out <file>", description: "write it to a file" }],
      examples: ["atlas tools docs --out docs/tools.md"],
      load: async () => (await import("./commands/tools-docs.ts")).toolsDocs,
    },
    {
      name: "usage",
      summary: "tell from the logs of the last runs what tools were used for",
      args: [],
      options: [
        ...shared,
        { flags: "-n, --runs <count>", description: "runs to read, the newest first (default: 200)", form: "count" },
      ],
      load: async () => (await import("./commands/tools-usage.ts")).toolsUsage,
    },
  ],
};
