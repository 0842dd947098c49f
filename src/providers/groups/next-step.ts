import type { AtlasError } from "../../base/index.ts";
import { failureKind } from "../resilience/outcome.ts";
import { decideRetry, type RetryDecision } from "../resilience/decide-retry.ts";
import type { RetryPolicy } from "../resilience/retry-policy.ts";
import type { Sequel } from "./escaped.ts";
import type { Member } from "./member.ts";
import { type Choosing, hasOther, needOf, type SelectionRules } from "./select-member.ts";

/** Is a failed attempt, as far as what follows depends on it. Units: milliseconds since the call began. */
export interface FailedAttempt {
  readonly member: Member;
  readonly error: AtlasError;
  readonly sequel: Sequel;
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** Says what follows a failed attempt: the error, another member, or a member that failed once more after a wait. Units: milliseconds. */
export type NextStep =
  | { readonly kind: "stop" }
  | { readonly kind: "other"; readonly possiblyBilledTwice: boolean }
  | {
      readonly kind: "again";
      readonly member: Member;
      readonly delayMs: number;
      readonly possiblyBilledTwice: boolean;
      /** Only this member: it has asked for a short wait, or there is no other. */
      readonly same: boolean;
    };

/** A wait that a provider asks for is kept although another member is free when it is no longer than this, once for each member in turn. */
const patientMs = 2_000;

/**
 * Decides what follows a failed attempt. Another member that is free goes before a wait, and takes nothing of the retry
 * budget; a member that has failed in this call is tried again only when all have.
 */
export function nextStep(
  rules: SelectionRules & { readonly policy: RetryPolicy },
  call: Choosing,
  failure: FailedAttempt,
): NextStep {
  const { member, error, sequel, attempts, elapsedMs } = failure;
  // Read now, not when the call began: it may have been switched off while the answer streamed.
  const mayLeave = call.options.fallback?.enabled !== false;
  if (sequel === "stop" || (sequel !== "transparent" && !mayLeave)) return { kind: "stop" };
  const others = mayLeave && hasOther(rules, call, member);
  const { policy, random } = rules;
  const again = mayLeave ? longestFailed(call, member, policy) : member;
  const budget = others ? undefined : again.retries;
  const decision = decideRetry(error, { policy, attempts, elapsedMs, random, budget });
  if (decision.kind === "stop") return { kind: "stop" };
  const possiblyBilledTwice = decision.possiblyBilledTwice === true;
  const fallback: NextStep = mayLeave ? { kind: "other", possiblyBilledTwice } : { kind: "stop" };
  // A member that is a group has tried again itself.
  if (decision.kind === "fallback" || member.model.managed === true) return fallback;
  if (!others) return { kind: "again", member: again, delayMs: decision.delayMs, possiblyBilledTwice, same: !mayLeave };
  // Once: a member that was waited for and refuses again would take the attempts that the others need.
  const patient = call.preferred !== member && wantsShortWait(error, decision) && member.retries.tryRetry();
  return patient ? { kind: "again", member, delayMs: decision.delayMs, possiblyBilledTwice, same: true } : fallback;
}

/**
 * Gives the member to try once more when all have failed: of those that may be well again the one that failed first, so that
 * each has its turn. It alone is tried: the retry is taken out of its provider's budget.
 */
function longestFailed(call: Choosing, last: Member, { retryAmbiguous }: RetryPolicy): Member {
  for (const [member, error] of call.failed) {
    const kind = failureKind(error);
    const mayAgain = kind === "fault" || kind === "limited" || (kind === "ambiguous" && retryAmbiguous);
    if (!mayAgain || member.model.managed === true) continue;
    if (member.gate.check(needOf(call, member)).available) return member;
  }
  return last;
}

function wantsShortWait(error: AtlasError, { delayMs }: RetryDecision & { readonly kind: "retry" }): boolean {
  return typeof error.details["retryAfterMs"] === "number" && delayMs <= patientMs;
}
