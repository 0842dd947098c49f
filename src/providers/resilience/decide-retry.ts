import type { AtlasError, Random } from "../../base/index.ts";
import { drawBackoffMs } from "./backoff.ts";
import { failureKind } from "./outcome.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { RetryPolicy } from "./retry-policy.ts";

/** Is how far a call has come when an attempt of it failed. Units: milliseconds since the call began. */
export interface RetryState {
  readonly policy: RetryPolicy;
  /** Attempts that have ended, the failed one included. */
  readonly attempts: number;
  readonly elapsedMs: number;
  readonly random: Random;
  /** The budget of the failed provider; a decision to retry takes one retry out of it. */
  readonly budget?: RetryBudget | undefined;
}

/**
 * Is what follows a failed attempt: the same member again after a delay, another member at once, or the error.
 * `reason` says in a few words why. Units: milliseconds.
 */
export type RetryDecision =
  | { readonly kind: "retry"; readonly delayMs: number; readonly reason: string; readonly possiblyBilledTwice?: true }
  | { readonly kind: "fallback"; readonly reason: string; readonly possiblyBilledTwice?: true }
  | { readonly kind: "stop"; readonly reason: string };

/**
 * Decides what follows a failed attempt. Whether the answer that has already escaped allows it is for the caller to know.
 * `possiblyBilledTwice` marks an attempt that follows one which the provider may have done and billed.
 */
export function decideRetry(error: AtlasError, state: RetryState): RetryDecision {
  const { policy, attempts, elapsedMs } = state;
  if (attempts >= policy.maxAttempts) return { kind: "stop", reason: `all ${policy.maxAttempts} attempts are used` };
  if (elapsedMs >= policy.maxTotalMs) return { kind: "stop", reason: `maxTotalMs of ${policy.maxTotalMs} is over` };
  switch (failureKind(error)) {
    case "fault":
    case "limited":
      return again(error, state);
    case "ambiguous": {
      if (policy.retryAmbiguous) return { ...again(error, state), possiblyBilledTwice: true };
      return { kind: "fallback", reason: "the provider may have done the work", possiblyBilledTwice: true };
    }
    case "quota":
    case "key":
      return { kind: "fallback", reason: error.code };
    case "request":
      return { kind: afterWrongRequest(error.code, policy), reason: error.code };
    case "none":
      return { kind: closedHere.has(error.code) ? "fallback" : "stop", reason: error.code };
  }
}

/** What this member cannot take now, another may. */
const closedHere: ReadonlySet<string> = new Set(["gate_closed", "rate_limit_too_small", "no_provider_available"]);

function afterWrongRequest(code: string, policy: RetryPolicy): "stop" | "fallback" {
  if (code === "provider_invalid_request") return policy.onInvalidRequest;
  if (code === "provider_content_filter") return policy.onContentPolicy;
  // The model is not there, or too small for the conversation: another one may be neither.
  return "fallback";
}

type Again = Exclude<RetryDecision, { kind: "stop" }>;

function again(error: AtlasError, { policy, attempts, elapsedMs, random, budget }: RetryState): Again {
  const asked = error.details["retryAfterMs"];
  const backoffMs = drawBackoffMs(attempts - 1, { baseMs: policy.baseDelayMs, maxMs: policy.maxDelayMs }, random);
  let delayMs = backoffMs;
  if (typeof asked === "number") {
    if (asked > policy.longestWaitMs)
      return { kind: "fallback", reason: `the provider asks for a wait of ${asked} ms` };
    // All who were told the same moment would come back in that moment: each adds a little of its own.
    delayMs = asked + Math.min(backoffMs, policy.baseDelayMs);
  }
  if (elapsedMs + delayMs >= policy.maxTotalMs)
    return { kind: "fallback", reason: "the wait would outlast maxTotalMs" };
  if (budget?.tryRetry() === false) return { kind: "fallback", reason: "the retry budget of the provider is used up" };
  return { kind: "retry", delayMs, reason: error.code };
}
