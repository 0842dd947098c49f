// A manager makes a plan of a goal, has two agents answer its parts from a folder of documents, and puts the answers together.
import { mkdirSync, writeFileSync } from "node:fs";
import { agent, createAtlas, isJsonObject } from "atlas-agents";
import { manager } from "atlas-agents/teams/manager";

mkdirSync("oven-docs", { recursive: true });
writeFileSync(
  "oven-docs/install.md",
  "# Installing\n\nThe package is installed with npm install bread-oven.\n\nThe installer needs Node 24.\n",
);
writeFileSync(
  "oven-docs/logging.md",
  "# Logging\n\nThe default log level is info.\n\nLogs are written to the folder var/log.\n",
);

const installer = agent({ name: "installer", capabilities: { install: 1, package: 0.8 } });
const logger = agent({ name: "logger", capabilities: { log: 1, level: 0.7 } });
const guide = manager({ name: "guide", agents: [installer, logger], limits: { maxParallel: 4 } });

await using atlas = await createAtlas();
const goal = "Which Node does the installer need? What is the default log level? Where are logs written?";
const options = { knowledge: ["oven-docs"], model: "offline/extractive" };

// The plan alone, as `atlas plan` shows it; it can be changed and given in place of the goal.
const planned = await (await atlas.start(guide.planning, goal, options)).result();
console.log("plan:", JSON.stringify(planned.output));

const run = await atlas.start(guide, JSON.stringify(planned.output), options);
for await (const { type, data } of run.events()) {
  if (!isJsonObject(data)) continue;
  if (type === "task.started") console.log(data["id"], "begins:", data["agent"]);
  if (type === "plan.progressed") console.log("done", data["done"], "left", data["left"]);
}
const { text, citations, finishReason } = await run.result();
console.log(`\n${text}\n`);
for (const { source, startLine, quote } of citations) console.log(`${source.split("/").at(-1)}:${startLine} ${quote}`);
console.log("ended:", finishReason);
