// Lets the reward selector choose in simulated worlds beside random choice, and prints the table of docs/reward.md.
import type { Comparison, Policy } from "./lib/reward-simulation.ts";
import { compare, comparisonTable } from "./lib/reward-simulation.ts";
import { worlds } from "./lib/reward-worlds.ts";

const seedsAt = process.argv.indexOf("--seeds");
const seeds = seedsAt < 0 ? 40 : Number(process.argv[seedsAt + 1]);
const policies: readonly Policy[] = ["thompson", "ucb", "greedy"];

const compared: Comparison[] = [];
for (const world of worlds) compared.push(...(await compare(world, policies, seeds)));
if (process.argv.includes("--json")) {
  const rows = compared.map(({ world, ...rest }) => ({ world: world.name, expected: world.expected, ...rest }));
  console.log(JSON.stringify({ seeds, rows }));
} else console.log(comparisonTable(compared));
