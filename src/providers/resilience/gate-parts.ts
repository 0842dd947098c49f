import type { Clock } from "../../base/index.ts";
import type { Breaker } from "./breaker.ts";
import type { Cooldown, CooldownKey } from "./cooldown.ts";
import type { GateStats } from "./gate-stats.ts";
import type { Limiter } from "./limiter.ts";

/** Is what can happen to a gate. Units: `untilMs` since the Unix epoch; `code` is of an error. */
export type GateHappening =
  | { readonly type: "breaker.opened" | "breaker.half_opened" | "breaker.closed" }
  | { readonly type: "cooldown.started"; readonly untilMs: number; readonly code: string }
  | { readonly type: "key.disabled" | "key.enabled" }
  | { readonly type: "health.failed"; readonly untilMs: number; readonly code: string };

/** Is something that happened to a gate, with the gate that it happened to. */
export type GateEvent = CooldownKey & GateHappening;

/** Is what a gate is made of. */
export interface GateParts {
  readonly key: CooldownKey;
  readonly clock: Clock;
  readonly breaker: Breaker;
  readonly cooldown: Cooldown;
  /** Order: the cooldown first, then the limits of the gate, then shared ones. */
  readonly limiters: readonly Limiter[];
  readonly stats: GateStats;
  /** Until when a failed health check keeps the gate closed. Units: milliseconds of the monotonic clock; 0 for not at all. */
  readonly unhealthy: { untilMs: number };
  readonly emit: (event: GateHappening) => void;
}
