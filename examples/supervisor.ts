// A supervised team answers from a folder of documents, offline: the goal is split, planned, answered with sources, checked, and written
// out in the form that it asks for. With a real model the same five roles reason, and hand work up and down in the same messages.
import { mkdirSync, writeFileSync } from "node:fs";
import { createAtlas, isJsonObject } from "atlas-agents";
import { supervisor } from "atlas-agents/teams/supervisor";

mkdirSync("handbook", { recursive: true });
writeFileSync(
  "handbook/leave.md",
  "# Leave\n\nEvery employee has 30 days of holidays per year. Holidays are requested in the portal, two weeks ahead.\n",
);
writeFileSync(
  "handbook/travel.md",
  "# Travel\n\nThe daily allowance is 28 euros. Receipts are handed in within 10 days of the return.\n",
);

const desk = supervisor({ name: "desk", limits: { rounds: 4, noProgress: 2 } });

await using atlas = await createAtlas();
const goal =
  "How many days of holidays does an employee have? How much is the daily allowance? Who waters the plants? Answer as a table.";
const run = await atlas.start(desk, goal, { knowledge: ["handbook"] });
for await (const { type, data } of run.events()) {
  if (!isJsonObject(data)) continue;
  if (type === "message.sent") console.log("%s -> %s: %s", data["from"], data["to"], data["kind"]);
  if (type === "point.raised") console.log("  open: %s %s", data["id"], data["text"]);
  if (type === "loop.ended")
    console.log("ended: %s, best round %d, score %d", data["reason"], data["best"], data["score"]);
}

const { text, citations } = await run.result();
console.log(text);
for (const { source, startLine, quote } of citations) console.log("%s:%d %s", source, startLine, quote);
