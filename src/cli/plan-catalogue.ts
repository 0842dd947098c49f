import type { CommandSpec } from "./command.ts";
import { knowledge, model, shared } from "./shared-options.ts";

/** Describes `atlas plan`. */
export const plan: CommandSpec = {
  name: "plan",
  summary: "show the plan for a goal before anything of it is done, or carry a plan out",
  args: [["[goal...]", "what you want, or a file that holds a plan as JSON; - reads it from the standard input"]],
  options: [
    ...shared,
    knowledge,
    model,
    { flags: "-a, --agent <name>", description: "manager to use (default: manager, which has all agents)" },
    { flags: "--mermaid", description: "draw the plan as a Mermaid flowchart" },
    { flags: "--run", description: "carry the plan out" },
    { flags: "--max-tokens <count>", description: "tokens that the run may use, which tasks share", form: "count" },
    { flags: "--max-cost <usd>", description: "US dollars that the run may cost, which tasks share", form: "amount" },
  ],
  examples: [
    'atlas plan "How do I install it? How do I configure logging?" --knowledge docs',
    'atlas plan "Compare the two drafts" --json > plan.json',
    "atlas plan plan.json --run",
  ],
  load: async () => (await import("./commands/plan.ts")).plan,
};
