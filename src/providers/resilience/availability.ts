import type { AtlasError } from "../../base/index.ts";
import type { RejectionReason } from "../call-report.ts";
import { providerErrors } from "../errors.ts";
import type { GateAvailability, GateNeed } from "./gate.ts";
import type { GateParts } from "./gate-parts.ts";
import { isBusy } from "./line.ts";

/** Is why a gate lets nobody through. Units: milliseconds from now; Infinity where no time is known. */
export interface Refusal {
  readonly reason: RejectionReason;
  readonly waitMs: number;
}

/** Tells why nobody may go in, whatever the need: there is no waiting for these. */
export function refusalOf({ cooldown, breaker, unhealthy, clock }: GateParts): Refusal | undefined {
  const { disabledMs } = cooldown;
  if (disabledMs > 0) return { reason: "key_disabled", waitMs: disabledMs };
  const { opensAtMs } = breaker;
  if (opensAtMs > 0) return { reason: "breaker_open", waitMs: opensAtMs - clock.monotonic() };
  const leftMs = unhealthy.untilMs - clock.monotonic();
  return leftMs > 0 ? { reason: "unhealthy", waitMs: leftMs } : undefined;
}

/** Tells which limiter keeps a need waiting the longest; undefined when none does. */
export function delayOf({ limiters }: GateParts, need: GateNeed): Refusal | undefined {
  let longest: Refusal | undefined;
  for (const limiter of limiters) {
    const waitMs = limiter.waitMs(need);
    if (waitMs > (longest?.waitMs ?? 0)) longest = { reason: limiter.reason, waitMs };
  }
  if (longest !== undefined) return longest;
  const busy = limiters.find((limiter) => isBusy(limiter));
  return busy && { reason: busy.reason, waitMs: Number.POSITIVE_INFINITY };
}

/** Tells which limiter surely keeps a need waiting for longer than this. Units: milliseconds. */
export function lastingDelayOf({ limiters }: GateParts, need: GateNeed, withinMs: number): Refusal | undefined {
  for (const limiter of limiters) {
    const waitMs = limiter.leastWaitMs(need);
    if (waitMs > Math.max(0, withinMs)) return { reason: limiter.reason, waitMs };
  }
  return undefined;
}

/** Looks whether a need could go in now. */
export function availabilityOf(parts: GateParts, need: GateNeed): GateAvailability {
  if (parts.limiters.some((limiter) => limiter.tooLarge(need) !== undefined)) {
    return { available: false, reason: "too_large" };
  }
  const refusal = refusalOf(parts) ?? delayOf(parts, need);
  if (refusal === undefined) return { available: true };
  const { reason, waitMs } = refusal;
  return { available: false, reason, ...retryAt(parts, waitMs) };
}

/** Makes the error of a refusal. */
export function closedError(parts: GateParts, { reason, waitMs }: Refusal): AtlasError {
  const { provider, model, keyId } = parts.key;
  const when = retryAt(parts, waitMs);
  const until =
    when.retryAtMs === undefined ? "" : ` It may be tried again at ${new Date(when.retryAtMs).toISOString()}.`;
  return providerErrors.create(
    "gate_closed",
    `${provider}/${model} may not be called now: ${causes[reason]}.${until}`,
    {
      details: { provider, model, keyId, reason, ...when },
    },
  );
}

const causes: Readonly<Partial<Record<RejectionReason, string>>> = {
  key_disabled: "the provider refused its key, which must be exchanged or allowed to use this model",
  breaker_open: "it has failed too often",
  unhealthy: "its last health check failed",
  cooldown: "it asked for a pause, or failed several times",
  rate_limited: "its requests or tokens of this minute are used up",
  concurrency: "as many calls as allowed are under way",
};

/** The clock's time is rounded up, so that who comes at the time is not too early. */
function retryAt({ clock }: GateParts, waitMs: number): { readonly retryAtMs?: number } {
  return Number.isFinite(waitMs) ? { retryAtMs: Math.ceil(clock.now() + Math.max(0, waitMs)) } : {};
}
