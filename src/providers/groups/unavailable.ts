import type { AtlasError } from "../../base/index.ts";
import type { Rejection } from "../call-report.ts";
import { providerErrors } from "../errors.ts";

/** Are the reasons that go by themselves. */
const passing: ReadonlySet<Rejection["reason"]> = new Set([
  "cooldown",
  "breaker_open",
  "rate_limited",
  "concurrency",
  "unhealthy",
  "already_failed",
]);

/** Makes the error of a call that no member can take: each with its reason, and the earliest time to try again. */
export function unavailableError(
  group: string,
  rejected: readonly Rejection[],
  cause: AtlasError | undefined,
): AtlasError {
  const times = rejected.flatMap((each) => (each.retryAtMs === undefined ? [] : [each.retryAtMs]));
  const retryAtMs = times.length === 0 ? undefined : Math.min(...times);
  const list = rejected.map((each) => `${each.provider}/${each.model}: ${each.detail ?? each.reason}`).join("; ");
  return providerErrors.create("no_provider_available", `No member of ${group} can take the call (${list}).`, {
    details: { group, candidates: [...rejected], ...(retryAtMs !== undefined && { retryAtMs }) },
    retry: rejected.some((each) => passing.has(each.reason)) ? "later" : "changed",
    ...(cause !== undefined && { cause }),
  });
}

/** Reads why a member that was chosen could not be called after all; undefined for an error that is about something else. */
export function refusalOfError(error: AtlasError): Omit<Rejection, "provider" | "model"> | undefined {
  switch (error.code) {
    case "gate_closed": {
      const { reason, retryAtMs } = error.details;
      return {
        reason: isReason(reason) ? reason : "concurrency",
        ...(typeof retryAtMs === "number" && { retryAtMs }),
      };
    }
    case "rate_limit_too_small":
      return { reason: "too_large" };
    case "budget_exceeded":
      return { reason: "budget" };
    case "budget_price_unknown":
      return { reason: "price_unknown" };
    default:
      return undefined;
  }
}

function isReason(value: unknown): value is Rejection["reason"] {
  return (
    typeof value === "string" &&
    (passing.has(value as Rejection["reason"]) || value === "key_disabled" || value === "too_large")
  );
}
