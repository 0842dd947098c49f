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
]);

/** Are the other reasons that a gate gives. */
const lasting: ReadonlySet<string> = new Set<Rejection["reason"]>(["key_disabled", "too_large"]);

/** More members than this are not named in a message; the details have them all. */
const maxNamed = 10;

/** Is a call that no member can take. `name` is that of the group, or of the only model as `provider/name`. */
export interface Refused {
  readonly name: string;
  readonly single: boolean;
  readonly rejected: readonly Rejection[];
  /** What members failed with in this call. */
  readonly failures: readonly AtlasError[];
  readonly cause: AtlasError | undefined;
}

/** Makes the error of a call that no member can take: each with its reason, and the earliest time to try again. */
export function unavailableError({ name, single, rejected, failures, cause }: Refused): AtlasError {
  const times = rejected.flatMap((each) => (each.retryAtMs === undefined ? [] : [each.retryAtMs]));
  const retryAtMs = times.length === 0 ? undefined : Math.min(...times);
  const why = ({ detail, reason }: Rejection): string => detail ?? reason;
  const named = rejected.slice(0, maxNamed).map((each) => `${each.provider}/${each.model}: ${why(each)}`);
  const more = rejected.length > maxNamed ? [`and ${rejected.length - maxNamed} more`] : [];
  const list = single ? rejected.map(why).join("; ") : [...named, ...more].join("; ");
  const subject = single ? `${name} can not take the call` : `No member of ${name} can take the call`;
  const when = retryAtMs === undefined ? "" : ` It may be tried again at ${new Date(retryAtMs).toISOString()}.`;
  const passes = rejected.some((each) => passing.has(each.reason)) || failures.some((each) => each.retry === "later");
  return providerErrors.create("no_provider_available", `${subject} (${list}).${when}`, {
    details: { group: name, candidates: [...rejected], ...(retryAtMs !== undefined && { retryAtMs }) },
    retry: passes ? "later" : "changed",
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
  return typeof value === "string" && (passing.has(value as Rejection["reason"]) || lasting.has(value));
}
