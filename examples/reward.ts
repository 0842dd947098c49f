// Two ways to mend a workspace are tried; debt is measured before and after each run, and what pays off most for its tokens is chosen.
// Real members would be agents; these two are functions, so that the example runs offline.
import { mkdirSync, writeFileSync } from "node:fs";
import { createAtlas, isJsonObject, workflow } from "atlas-agents";
import { armOf, codeDebt, rewardTeam } from "atlas-agents/teams/reward";

mkdirSync("reward-workspace", { recursive: true });
const spoil = (): void =>
  writeFileSync(
    "reward-workspace/total.js",
    "// TODO: types\n// FIXME: rounding\n// TODO: empty lists\nexport const total = 1;\n",
  );

const careful = workflow({
  name: "careful",
  run: (context) => context.step("mend", () => writeFileSync("reward-workspace/total.js", "export const total = 1;\n")),
});
const hasty = workflow({
  name: "hasty",
  run: (context) =>
    context.step("mend", () =>
      writeFileSync("reward-workspace/total.js", "// TODO: all of it\n// HACK\n// HACK\n// HACK\n// XXX\n"),
    ),
});

const mender = rewardTeam({
  name: "mender",
  task: "code",
  arms: [armOf(careful), armOf(hasty)],
  coldRuns: 3,
  meter: codeDebt({ folder: "reward-workspace", run: false }),
});

await using atlas = await createAtlas();
for (let round = 0; round < 8; round++) {
  spoil();
  const run = await atlas.start(mender, "Mend the workspace.");
  await run.result();
  for await (const { type, data } of run.events()) {
    if (!isJsonObject(data)) continue;
    if (type === "arm.chosen") console.log("chosen: %s (%s)", data["agent"], data["reason"]);
    if (type === "reward.recorded") console.log("  %d points before, %d after", data["before"], data["after"]);
    if (type === "arm.benched") console.log("  benched: %s, %s", data["key"], data["reason"]);
  }
}

for (const { agent, runs, offset } of await (await atlas.rewards()).list()) {
  console.log(
    `${agent}: paid off ${runs.positive} times, added debt ${runs.negative} times, ${offset.mean} points a run`,
  );
}
