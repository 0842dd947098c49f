import type { Usage } from "./usage.ts";

/** Is one attempt to answer a call. Units: milliseconds; money in millionths of a US dollar, null where no price is known. */
export type Attempt = {
  readonly provider: string;
  readonly model: string;
  readonly outcome: "finished" | "failed" | "cancelled" | "budget";
  /** Is the code of its failure. */
  readonly code?: string;
  readonly usage: Usage;
  readonly costMicroUsd: number | null;
  readonly queuedMs: number;
  readonly firstPartMs: number | null;
  readonly durationMs: number;
  /** Tells that an earlier attempt may have been billed although it gave nothing. */
  readonly possiblyBilledTwice?: true;
};

/** Says why a member of a group was not chosen. */
export type RejectionReason =
  | "capability"
  | "context_length"
  | "cooldown"
  | "breaker_open"
  | "rate_limited"
  | "concurrency"
  | "too_large"
  | "budget"
  | "price_unknown"
  | "key_disabled"
  | "unhealthy"
  | "already_failed";

/** Is a member that was passed over, and why. Units: `retryAtMs` since the Unix epoch. */
export type Rejection = {
  readonly provider: string;
  readonly model: string;
  readonly reason: RejectionReason;
  readonly detail?: string;
  readonly retryAtMs?: number;
};

/** Says why a member was chosen: its place and what the strategy knew of each candidate, of at most ten. */
export type Selection = {
  readonly strategy: string;
  readonly chosen: string;
  /** Why, in words for a person. */
  readonly reason: string;
  /** Order: as the strategy ranked them. Higher scores are better. */
  readonly candidates: readonly { readonly model: string; readonly score: number }[];
  readonly rejected: readonly Rejection[];
  /** How many more candidates and rejections there were. */
  readonly omitted?: number;
};

/** Is a place in an answer where another model took over. Units: `atChars` UTF-16 code units of text before it. */
export type Seam = {
  readonly kind: "restarted" | "continued";
  readonly from: string;
  readonly to: string;
  readonly code: string;
  readonly atChars: number;
};

/**
 * Tells how a call was answered: every attempt with what it used, every choice with its reason, every seam.
 *
 * Units: `costMicroUsd` is the sum of the attempts in millionths of a US dollar; null when the price of one is not known, and
 * `knownCostMicroUsd` is then the sum of those that are.
 */
export type CallReport = {
  readonly group?: string;
  readonly attempts: readonly Attempt[];
  readonly selections: readonly Selection[];
  readonly seams: readonly Seam[];
  readonly usage: Usage;
  readonly costMicroUsd: number | null;
  readonly knownCostMicroUsd: number;
};
