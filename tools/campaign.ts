// Kills, freezes and misleads processes under a seeded load and checks every promise of the run engine:
// npm run -s campaign -- --seed 1 --seconds 60 [--storage sqlite|postgres|postgres://…] [--json]
import { parseArgs } from "node:util";
import { campaign } from "../test/campaign/campaign.ts";
import { allFeatures } from "../test/campaign/plan.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    seconds: { type: "string", default: "60" },
    storage: { type: "string", default: "sqlite" },
    // Leaves out what the load does otherwise, to narrow down what fails: queue, pause, fork, effects, needs, retry, dead, step-retry.
    without: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
/** How many kills a second of faults is worth, also on a machine that is busy with something else. */
const killsPerSecond = 3.5;

const { notes, ...report } = await campaign({
  seed: Number(values.seed),
  seconds: Number(values.seconds),
  minKills: Math.ceil(Number(values.seconds) * killsPerSecond),
  storage: values.storage,
  features: allFeatures.filter((feature) => !values.without.split(",").includes(feature)),
  progress: (text) => process.stderr.write(`${text}\n`),
});
const { seed, runs, kills, violations } = report;
for (const text of [...notes, ...violations]) process.stderr.write(`${text}\n`);
if (violations.length > 0) {
  process.stderr.write(
    `Replay: npm run -s campaign -- --seed ${seed} --seconds ${values.seconds} --storage ${values.storage}\n`,
  );
  process.exitCode = 1;
}
const counted = { seed, runs, kills, violations: violations.length };
console.log(
  values.json
    ? JSON.stringify(counted)
    : Object.entries(counted)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
);
