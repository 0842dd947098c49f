import { closedError, refusalOf } from "./availability.ts";
import type { BreakerCall } from "./breaker.ts";
import type { GateNeed, CallOutcome, GatePass } from "./gate.ts";
import type { GateParts } from "./gate-parts.ts";
import type { LimiterHold } from "./limiter.ts";
import { serve } from "./line.ts";
import { failureKind } from "./outcome.ts";

/** A pass is known in its process only, by its number. */
let made = 0;

/**
 * Takes a call's places in all limiters and makes its pass. All of them must have room.
 *
 * Errors: gate_closed when the breaker lets nobody through any more, and nothing is taken.
 */
export function createPass(parts: GateParts, need: GateNeed, failed: () => void): GatePass {
  const { clock, limiters, breaker } = parts;
  const refusal = refusalOf(parts);
  const call = refusal === undefined ? breaker.begin() : undefined;
  if (call === undefined) throw closedError(parts, refusal ?? { reason: "breaker_open", waitMs: Infinity });
  const beganMs = clock.monotonic();
  const holds = limiters.map((limiter) => limiter.take(need));
  let open = true;
  return {
    id: `pass_${++made}`,
    report(limits) {
      if (!open) return;
      for (const hold of holds) hold.report(limits);
      serve(limiters);
    },
    end(outcome) {
      if (!open) return;
      open = false;
      giveBack(holds, outcome);
      learn(parts, { outcome, call, beganMs });
      // Only a failure can take away the hope of those who wait.
      if (outcome.kind === "failure") failed();
      serve(limiters);
    },
  };
}

function giveBack(holds: readonly LimiterHold[], outcome: CallOutcome): void {
  const used = usedTokens(outcome);
  for (const hold of holds) hold.end(used);
}

/** What a provider refused, or never got, cost no tokens. What broke off without a count may have cost all that was taken. */
function usedTokens(outcome: CallOutcome): number | undefined {
  if (outcome.usage !== undefined) return outcome.usage.inputTokens + outcome.usage.outputTokens;
  if (outcome.kind !== "failure") return undefined;
  const refused = refusals.has(failureKind(outcome.error)) || outcome.error.details["phase"] === "connect";
  return refused ? 0 : undefined;
}

const refusals: ReadonlySet<string> = new Set(["limited", "quota", "key", "request"]);

interface EndedCall {
  readonly outcome: CallOutcome;
  readonly call: BreakerCall;
  readonly beganMs: number;
}

function learn(parts: GateParts, { outcome, call, beganMs }: EndedCall): void {
  const { clock, stats, unhealthy, cooldown } = parts;
  call.end(verdictOf(outcome));
  if (outcome.kind === "ignored") return;
  const atMs = clock.monotonic();
  stats.add({
    atMs,
    kind: outcome.kind,
    durationMs: atMs - beganMs,
    firstPartMs: outcome.kind === "success" ? outcome.firstPartMs : undefined,
    outputTokens: outcome.usage?.outputTokens,
  });
  if (outcome.kind === "failure") return coolDown(parts, outcome, beganMs);
  unhealthy.untilMs = 0;
  cooldown.succeeded(beganMs);
}

function coolDown(parts: GateParts, { error }: Extract<CallOutcome, { kind: "failure" }>, beganMs: number): void {
  const { clock, cooldown, emit } = parts;
  const before = { leftMs: cooldown.leftMs, disabled: cooldown.disabledMs > 0 };
  cooldown.failed({ error, beganMs });
  const { leftMs, disabledMs } = cooldown;
  if (leftMs > before.leftMs) emit({ type: "cooldown.started", untilMs: clock.now() + leftMs, code: error.code });
  if (!before.disabled && disabledMs > 0) emit({ type: "key.disabled" });
}

/** A provider that refuses is alive: only its own faults count against it. */
function verdictOf(outcome: CallOutcome): "success" | "failure" | "ignored" {
  if (outcome.kind !== "failure") return outcome.kind;
  const kind = failureKind(outcome.error);
  return kind === "fault" || kind === "ambiguous" ? "failure" : "ignored";
}
