import type { AtlasError } from "../../base/index.ts";
import type { RejectionReason } from "../call-report.ts";
import type { RateLimitReport } from "../model.ts";
import type { Usage } from "../usage.ts";

/** Is what a call will need of a gate. Units: tokens, estimated before it is sent. */
export interface GateNeed {
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
}

/** Tells whether a call could go through a gate now, and if not why and when. Units: `retryAtMs` since the Unix epoch. */
export type GateAvailability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: RejectionReason; readonly retryAtMs?: number };

/**
 * Is how a call that went through a gate ended. `ignored` says nothing about the provider: a cancel, or a request that was wrong.
 * A stream is a success only when it has finished. Units: `firstPartMs` milliseconds from entering, for the figures.
 */
export type CallOutcome =
  | { readonly kind: "success"; readonly usage: Usage; readonly firstPartMs?: number | undefined }
  | { readonly kind: "failure"; readonly error: AtlasError; readonly usage: Usage | undefined }
  | { readonly kind: "ignored"; readonly usage: Usage | undefined };

/** Is the right to make one call, held until its stream has ended. */
export interface GatePass {
  readonly id: string;
  /** Tells the gate what the provider said about its limits. */
  report(limits: RateLimitReport): void;
  /** Gives the right back, with how the call ended. Once: further calls change nothing. */
  end(outcome: CallOutcome): void;
}

/** Are the options of entering a gate. Units: milliseconds that may be waited for a place; 0 does not wait. */
export interface EnterOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxWaitMs: number;
}

/**
 * Stands before one provider, model and key, and lets through what they can bear: breaker, cooldown, requests and tokens a
 * minute, calls at the same time. Pure state in one process: no network.
 */
export interface Gate {
  /** Calls that are inside. */
  readonly inFlight: number;
  /** Looks without taking anything. */
  check(need: GateNeed): GateAvailability;
  /**
   * Takes a place, waiting for it in the order of arrival.
   *
   * Errors: gate_closed with `details` { reason, retryAtMs } when there is none within `maxWaitMs` or the breaker is open;
   * rate_limit_too_small when the need is larger than the limit itself; invalid_input when it is no number from 0 on; the signal's reason when it aborts.
   */
  enter(need: GateNeed, options: EnterOptions): Promise<GatePass>;
}
