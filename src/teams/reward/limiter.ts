import type { BenchReason, BenchRecord, RewardLedger } from "./ledger.ts";
import type { Posterior } from "./posterior.ts";
import { likelyBelow } from "./posterior.ts";
import { countOf } from "./statistics.ts";
import type { ArmStatistics } from "./statistics.ts";

/** Says when an arm is taken off the list, and for how long. */
export interface LimiterOptions {
  /** Nothing is said of an arm before so many runs; 3 by default. */
  readonly minRuns?: number;
  /** How sure it must be that the mean score is below 0; 0.95 by default. */
  readonly confidence?: number;
  /** An arm that spent tokens in so many runs and never paid anything off is benched too; 6 by default. */
  readonly wasteRuns?: number;
  /** Units: milliseconds; a day by default, doubled with each further time, at most 30 days. */
  readonly cooldownMs?: number;
  /** How many runs decide after the return; 2 by default. Their mean offset must be above 0. */
  readonly probationRuns?: number;
}

/** Is a change of where an arm stands, for the log. */
export type BenchChange = {
  readonly type: "arm.benched" | "arm.returned";
  readonly record: BenchRecord;
  /** How likely it is that the arm's mean score is below 0. */
  readonly likelyHarmful: number;
};

/** Is an arm with what is known of it since its last return. */
export interface JudgedArm {
  readonly key: string;
  readonly statistics: ArmStatistics;
  readonly posterior: Posterior;
  readonly bench: BenchRecord | undefined;
}

/** Says how many runs decide after a return, unless the options do. */
export const defaultProbationRuns = 2;
const maxCooldownMs = 30 * 86_400_000;

/**
 * Decides where one arm should stand now; undefined where nothing changes. An arm comes back when its cooldown is over, and is then
 * judged by what it does after that alone.
 */
export function judge(
  arm: JudgedArm,
  now: number,
  limits: LimiterOptions,
): Pick<BenchRecord, "state" | "reason"> | undefined {
  const { bench, statistics } = arm;
  const { probationRuns = defaultProbationRuns } = limits;
  if (bench?.state === "benched") {
    return now >= bench.until ? { state: "probation", reason: "cooldown_over" } : undefined;
  }
  const runs = countOf(statistics);
  if (bench?.state === "probation") {
    if (runs < probationRuns) return undefined;
    return statistics.offset.mean > 0
      ? { state: "free", reason: "passed_probation" }
      : { state: "benched", reason: "failed_probation" };
  }
  const reason = faultOf(arm, runs, limits);
  return reason === undefined ? undefined : { state: "benched", reason };
}

function faultOf(
  { statistics, posterior }: JudgedArm,
  runs: number,
  { minRuns = 3, confidence = 0.95, wasteRuns = 6 }: LimiterOptions,
): BenchReason | undefined {
  if (runs < minRuns) return undefined;
  if (statistics.runs.negative > 0 && likelyBelow(posterior, 0) >= confidence) return "harmful";
  return runs >= wasteRuns && statistics.runs.positive === 0 ? "no_offset" : undefined;
}

/**
 * Brings the benches up to date, and gives who is on the list now and what changed. The last arm on the list stays on it: where all
 * harm, the one that is believed to harm least goes on.
 *
 * Order: arms that do worst are judged first, so that the best of them is the one that stays.
 */
export async function reviewBenches(
  arms: readonly JudgedArm[],
  { ledger, limits, now, by }: { ledger: RewardLedger; limits: LimiterOptions; now: number; by: string },
): Promise<{ readonly active: ReadonlySet<string>; readonly changes: readonly BenchChange[] }> {
  const changes: BenchChange[] = [];
  const active = new Set(arms.filter(({ bench }) => bench?.state !== "benched").map(({ key }) => key));
  const returning = arms.filter(({ bench }) => bench?.state === "benched" && now >= bench.until);
  for (const { key } of returning) active.add(key);
  for (const arm of arms.toSorted((a, b) => a.posterior.mean - b.posterior.mean)) {
    const { key, bench, posterior } = arm;
    const likelyHarmful = likelyBelow(posterior, 0);
    // A step that is done again tells what it did the first time.
    if (by !== "" && bench?.changedBy === by) {
      const type = bench.state === "benched" ? "arm.benched" : "arm.returned";
      if (bench.reason !== "passed_probation") changes.push({ type, record: bench, likelyHarmful });
      continue;
    }
    const decided = judge(arm, now, limits);
    if (decided === undefined || (decided.state === "benched" && active.size <= 1)) continue;
    const record = recordOf(arm, decided, { limits, now, by });
    if (!(await ledger.writeBench(record))) continue;
    if (decided.state === "benched") active.delete(key);
    if (decided.state !== "free")
      changes.push({
        type: decided.state === "benched" ? "arm.benched" : "arm.returned",
        record,
        likelyHarmful,
      });
  }
  if (active.size === 0) {
    const best = arms.toSorted((a, b) => b.posterior.mean - a.posterior.mean)[0];
    if (best) active.add(best.key);
  }
  return { active, changes };
}

function recordOf(
  { key, bench }: JudgedArm,
  { state, reason }: Pick<BenchRecord, "state" | "reason">,
  { limits, now, by }: { limits: LimiterOptions; now: number; by: string },
): BenchRecord {
  const before = bench?.times ?? 0;
  const times = state === "benched" ? before + 1 : state === "free" ? 0 : before;
  const { cooldownMs = 86_400_000 } = limits;
  const until = now + Math.min(maxCooldownMs, cooldownMs * 2 ** (Math.min(times, 30) - 1));
  // What was forgiven at the return stays forgiven.
  const since = state === "free" ? (bench?.since ?? now) : now;
  const revision = (bench?.revision ?? 0) + 1;
  return {
    key,
    state,
    reason,
    since,
    until: state === "benched" ? Math.round(until) : now,
    times,
    changedBy: by,
    revision,
  };
}
