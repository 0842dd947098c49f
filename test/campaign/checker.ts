import { checkEnds } from "./check-ends.ts";
import { checkLogs } from "./check-logs.ts";
import { checkShares } from "./check-shares.ts";
import { checkSteps } from "./check-steps.ts";
import type { Evidence } from "./evidence.ts";

/** Holds what a campaign saw against the promises of the engine; gives what breaks them, each with the number of the promise. */
export function check(evidence: Evidence): readonly string[] {
  return [...checkLogs(evidence), ...checkSteps(evidence), ...checkEnds(evidence), ...checkShares(evidence)];
}
