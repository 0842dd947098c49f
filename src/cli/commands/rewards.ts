import type { ArmStatistics, BenchRecord, ToolEffect } from "../../teams/reward/index.ts";
import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas rewards`. */
export interface RewardsOptions {
  readonly task?: string;
  readonly agent?: string;
  readonly model?: string;
}

/** Shows what agents, models and sets of tools earned, and who is benched. */
export async function rewards(call: Call<RewardsOptions>): Promise<number> {
  const { screen } = call;
  const { task, agent, model } = call.options;
  await using atlas = await openAtlas(call);
  const ledger = await atlas.rewards();
  const arms = await ledger.list({
    ...(task === undefined ? {} : { task }),
    ...(agent === undefined ? {} : { agent }),
    ...(model === undefined ? {} : { model }),
  });
  const benches = (await ledger.benches()).filter(({ state }) => state !== "free");
  const { toolEffects } = await import("../../teams/reward/index.ts");
  const tools = toolEffects(arms);
  if (screen.json) {
    screen.printJson({ arms, tools, benches });
    return 0;
  }
  if (arms.length === 0) screen.say("No reward is recorded yet. A team made by withReward or rewardTeam records them.");
  for (const arm of arms) showArm(arm, call);
  for (const effect of tools) showTool(effect, call);
  for (const bench of benches) showBench(bench, call);
  return 0;
}

function showArm(
  { agent, model = "", tools, task, runs, logReward, offset, tokens }: ArmStatistics,
  { screen }: Call,
): void {
  const count = runs.positive + runs.zero + runs.negative;
  const counts = `${count} runs (${runs.positive} paid off, ${runs.zero} without effect, ${runs.negative} added debt)`;
  const log =
    logReward.weight === 0 ? "none" : `${logReward.mean.toFixed(2)} ± ${Math.sqrt(logReward.variance).toFixed(2)}`;
  const shown = [model, ...(tools.length === 0 ? [] : [`tools ${tools.join(", ")}`]), task].filter(
    (text) => text !== "",
  );
  screen.print(
    line`${styled("bold", oneLine(agent, 64))} ${oneLine(shown.join(" · "), 120)}: ${counts}, ln reward ${log}, offset ${offset.mean.toFixed(1)} points and ${Math.round(tokens / count)} tokens a run`,
  );
}

function showTool({ tool, task, effect, weight }: ToolEffect, { screen }: Call): void {
  const about = task === "" ? "" : ` for ${oneLine(task, 64)}`;
  screen.print(
    line`tool ${styled("bold", oneLine(tool, 64))}${about}: ${effect < 0 ? "" : "+"}${effect.toFixed(2)} in the score of a run (${weight.toFixed(1)} runs)`,
  );
}

function showBench({ key, state, reason, until }: BenchRecord, { screen }: Call): void {
  const when = state === "benched" ? ` until ${new Date(until).toISOString()}` : "";
  screen.print(line`${styled("yellow", state)} ${oneLine(key, 160)}: ${reason}${when}`);
}
