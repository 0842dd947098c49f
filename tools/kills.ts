// Kills `atlas run` again and again and checks that nothing is lost: npm run -s kills -- --kills 100 --seed 1
import { parseArgs } from "node:util";
import { campaign } from "../test/kills/campaign.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const report = await campaign({
  kills: Number(values.kills),
  seed: Number(values.seed),
  progress: (text) => process.stderr.write(`${text}\n`),
});
console.log(JSON.stringify(report));
process.exitCode = report.violations.length === 0 ? 0 : 1;
