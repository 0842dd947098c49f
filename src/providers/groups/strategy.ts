import type { Random } from "../../base/index.ts";
import type { ModelCapabilities, ModelRequest } from "../model.ts";

/** Is what a group has seen of a member lately. Units: milliseconds, tokens a second; null before the first sample. */
export interface MemberStats {
  readonly inFlight: number;
  /** Finished and failed calls in the window. */
  readonly calls: number;
  /** Share of calls in the window that failed, 0 to 1; recent ones weigh more. */
  readonly failureRate: number;
  /** Successes since the last failure. */
  readonly successesInRow: number;
  readonly firstPartMs: number | null;
  readonly tokensPerSecond: number | null;
}

/** Is a member that can take the call, as a strategy sees it. Units: millionths of a US dollar; `expectedCostMicroUsd` is null where the price is not known. */
export interface CandidateMember {
  /** `provider/name`. */
  readonly id: string;
  readonly index: number;
  readonly weight: number;
  readonly capabilities: ModelCapabilities;
  /** How good it is at each kind of task, 0 to 1. */
  readonly strengths: Readonly<Record<string, number>>;
  readonly stats: MemberStats;
  readonly expectedCostMicroUsd: number | null;
}

/** Is the call to choose for. Units: tokens, estimated. */
export interface CallView {
  readonly request: ModelRequest;
  readonly task: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly random: Random;
  /** Milliseconds since an arbitrary start. */
  readonly nowMs: number;
}

/** Is one candidate as ranked. Higher scores are better; `reason` says in a few words what made the score. */
export interface RankedMember {
  readonly candidate: CandidateMember;
  readonly score: number;
  readonly reason: string;
}

/**
 * Is the port for choosing among the members that can take a call. It sees only members that passed the filters
 * (capabilities, context, gates), never waits, and may keep state of its own between calls.
 */
export interface Strategy {
  readonly name: string;
  /** Order: the best first; it leaves out what must not be used at all (such as an unknown price where cost decides). */
  rank(candidates: readonly CandidateMember[], call: CallView): readonly RankedMember[];
}
