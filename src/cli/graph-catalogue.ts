import type { CommandSpec, OptionSpec } from "./command.ts";
import { shared } from "./shared-options.ts";

const file = ["<file>", "module that exports graphs, or a graph as JSON"] as const;
const graph: OptionSpec = {
  flags: "-g, --graph <name>",
  description: "which graph of the file (default: the only one)",
};

/** Describes `atlas graph`. */
export const graphs: CommandSpec = {
  name: "graph",
  summary: "check, draw and run graphs",
  args: [],
  options: [],
  commands: [
    {
      name: "validate",
      summary: "check graphs: nodes and edges, ways in and out, types",
      args: [file],
      options: shared,
      examples: ["atlas graph validate graphs/review.ts"],
      load: async () => (await import("./commands/graph-validate.ts")).graphValidate,
    },
    {
      name: "draw",
      summary: "draw a graph, also with where a run of it was and is",
      args: [file],
      options: [
        ...shared,
        graph,
        { flags: "-f, --format <format>", description: "mermaid (default), dot, svg or json" },
        { flags: "--run <id>", description: "show where this run was and is" },
        { flags: "-o, --out <file>", description: "write it to a file" },
      ],
      examples: ["atlas graph draw graphs/review.ts --format svg -o review.svg"],
      load: async () => (await import("./commands/graph-draw.ts")).graphDraw,
    },
    {
      name: "run",
      summary: "run a graph and print its state",
      args: [["<file>", "module that exports graphs"]],
      options: [
        ...shared,
        graph,
        { flags: "--state <json>", description: "what the run begins with (default: {})" },
        { flags: "--new", description: "start anew even if the same run was interrupted" },
      ],
      examples: ['atlas graph run graphs/review.ts --state \'{"draft":""}\''],
      load: async () => (await import("./commands/graph-run.ts")).graphRun,
    },
  ],
};
