import type { Clock, Random } from "../../base/index.ts";
import { baseErrors, systemClock, systemRandom } from "../../base/index.ts";
import { availabilityOf, closedError, delayOf, lastingDelayOf, refusalOf } from "./availability.ts";
import { type BreakerOptions, type BreakerState, createBreaker } from "./breaker.ts";
import { createConcurrencyLimiter } from "./concurrency.ts";
import { cooldownLimiter } from "./cooldown-limiter.ts";
import { type CooldownKey, type CooldownOptions, type Cooldowns, createCooldowns } from "./cooldown.ts";
import { createPass } from "./create-pass.ts";
import type { EnterOptions, Gate, GateNeed, GatePass } from "./gate.ts";
import type { GateEvent, GateHappening, GateParts } from "./gate-parts.ts";
import { type CallFigures, createGateStats } from "./gate-stats.ts";
import type { Limiter } from "./limiter.ts";
import { createRateLimiter } from "./rate-limiter.ts";
import { type WaitingRoom, createWaitingRoom } from "./waiting-room.ts";

/** Are the limits of one gate alone; what is not named is not limited. */
export interface GateLimits {
  readonly requestsPerMinute?: number | undefined;
  /** Counts input and output together. */
  readonly tokensPerMinute?: number | undefined;
  /** Calls at the same time, each to the end of its stream. */
  readonly concurrency?: number | undefined;
}

/** Are the options of a gate. */
export interface GateOptions {
  readonly provider: string;
  readonly model: string;
  /** Names the key, never the key itself. */
  readonly keyId: string;
  readonly limits?: GateLimits;
  /** Limits that other gates share, such as a provider's for all its models, or a tenant's: taken together with the gate's own, all or none. */
  readonly limiters?: readonly Limiter[];
  readonly breaker?: Partial<BreakerOptions>;
  /** Cooldowns that other gates share, so that a refused key is out of use for all models; or the options of its own. */
  readonly cooldown?: Cooldowns | Partial<CooldownOptions>;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly onEvent?: ((event: GateEvent) => void) | undefined;
}

/** Is what a gate knows of its calls. Units: milliseconds since the Unix epoch for `…AtMs`, figures of the last five minutes. */
export interface GateSnapshot extends CooldownKey, CallFigures {
  readonly state: BreakerState;
  readonly inFlight: number;
  readonly waiting: number;
  readonly keyDisabled: boolean;
  readonly cooldownUntilMs: number | null;
  readonly unhealthyUntilMs: number | null;
  /** When the last call that says something about the provider ended. */
  readonly lastCallAtMs: number | null;
}

/** Is a gate with what its owner needs: figures, and a say in what it cannot know by itself. */
export interface ControlledGate extends Gate {
  readonly key: CooldownKey;
  snapshot(): GateSnapshot;
  /** Takes a key into use again that the provider had refused. */
  enableKey(): void;
  /** Takes the key out of use, for all gates with the same cooldowns. Units: milliseconds; Infinity by default. */
  disableKey(forMs?: number): void;
  /** Closes the gate for some time, because a health check failed with this code. Units: milliseconds. */
  markUnhealthy(forMs: number, code: string): void;
  /** Ends what `markUnhealthy` began; a call that succeeds does so too. */
  markHealthy(): void;
}

/** Makes the gate before one provider, model and key. Cost: no timer while nobody waits. Errors: invalid_input for a limit below 1. */
export function createGate(options: GateOptions): ControlledGate {
  const { provider, model, keyId, limits = {}, limiters: shared = [], onEvent } = options;
  const { clock = systemClock, random = systemRandom, cooldown: given = {} } = options;
  const key: CooldownKey = { provider, model, keyId };
  const emit = (event: GateHappening): void => {
    try {
      onEvent?.({ ...key, ...event });
    } catch (error) {
      // A fault of who looks on must not keep a call from giving its places back; it shows as the fault of an event listener does.
      queueMicrotask(() => {
        throw error;
      });
    }
  };
  const cooldown = ("of" in given ? given : createCooldowns({ ...given, clock, random })).of(key);
  const concurrency = createConcurrencyLimiter({ clock, limit: limits.concurrency ?? Number.POSITIVE_INFINITY });
  const rate = createRateLimiter({ ...limits, clock, name: `${provider}/${model}` });
  const breaker = createBreaker({
    ...options.breaker,
    clock,
    onChange: (state) => emit({ type: breakerEvents[state] }),
  });
  const limiters = [cooldownLimiter(clock, cooldown), concurrency, rate, ...shared];
  const parts: GateParts = {
    key,
    clock,
    breaker,
    cooldown,
    limiters,
    emit,
    stats: createGateStats(),
    unhealthy: { untilMs: 0 },
  };
  const room: WaitingRoom = createWaitingRoom({
    clock,
    limiters,
    hopeless(need, withinMs) {
      const refusal = refusalOf(parts) ?? lastingDelayOf(parts, need, withinMs);
      return refusal && closedError(parts, refusal);
    },
    late: (need) => closedError(parts, delayOf(parts, need) ?? { reason: "concurrency", waitMs: 0 }),
    take: (need) => createPass(parts, need, () => room.review()),
  });
  return {
    key,
    get inFlight() {
      return concurrency.inFlight;
    },
    check: (need) => availabilityOf(parts, need),
    enter: (need, enterOptions) => enter(parts, room, { need, ...enterOptions }),
    snapshot: () => snapshotOf(parts, { inFlight: concurrency.inFlight, waiting: room.size }),
    ...controlsOf(parts, room),
  };
}

async function enter(
  { limiters }: GateParts,
  room: WaitingRoom,
  { need, ...options }: EnterOptions & { readonly need: GateNeed },
): Promise<GatePass> {
  options.signal?.throwIfAborted();
  checkNeed(need);
  if (Number.isNaN(options.maxWaitMs))
    throw baseErrors.create("invalid_input", "maxWaitMs of a call is NaN; set it to 0 or more.");
  for (const limiter of limiters) {
    const error = limiter.tooLarge(need);
    if (error !== undefined) throw error;
  }
  const pass = await room.wait(need, options);
  if (options.signal?.aborted !== true) return pass;
  // It aborted in the instant between the turn and this line: nothing was sent.
  pass.end({ kind: "ignored", usage: { inputTokens: 0, outputTokens: 0, provenance: "estimated" } });
  throw options.signal.reason;
}

/** What is no amount would never fit, or make room for others. */
function checkNeed({ inputTokens, maxOutputTokens }: GateNeed): void {
  checkAmount("inputTokens", inputTokens);
  checkAmount("maxOutputTokens", maxOutputTokens);
}

function checkAmount(name: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw baseErrors.create("invalid_input", `${name} of a call is ${value}; it must be a number from 0 on.`, {
    details: { name, value: String(value) },
  });
}

type Controls = Pick<ControlledGate, "enableKey" | "disableKey" | "markUnhealthy" | "markHealthy">;

function controlsOf({ clock, cooldown, unhealthy, emit }: GateParts, room: WaitingRoom): Controls {
  return {
    enableKey() {
      const disabled = cooldown.disabledMs > 0;
      // Also where the key is refused for another model alone.
      cooldown.enableKey();
      if (disabled) emit({ type: "key.enabled" });
    },
    disableKey(forMs) {
      const disabled = cooldown.disabledMs > 0;
      cooldown.disableKey(forMs);
      if (!disabled) emit({ type: "key.disabled" });
      room.review();
    },
    markUnhealthy(forMs, code) {
      unhealthy.untilMs = clock.monotonic() + forMs;
      emit({ type: "health.failed", untilMs: clock.now() + forMs, code });
      room.review();
    },
    markHealthy() {
      unhealthy.untilMs = 0;
    },
  };
}

function snapshotOf(
  { key, clock, breaker, cooldown, stats, unhealthy }: GateParts,
  counts: Pick<GateSnapshot, "inFlight" | "waiting">,
): GateSnapshot {
  const nowMs = clock.monotonic();
  const epochMs = (atMs: number | undefined): number | null =>
    atMs === undefined ? null : Math.round(clock.now() + atMs - nowMs);
  const coolMs = cooldown.leftMs;
  return {
    ...key,
    ...counts,
    ...stats.figures(nowMs),
    state: breaker.state,
    keyDisabled: cooldown.disabledMs > 0,
    cooldownUntilMs: epochMs(coolMs > 0 ? nowMs + coolMs : undefined),
    unhealthyUntilMs: epochMs(unhealthy.untilMs > nowMs ? unhealthy.untilMs : undefined),
    lastCallAtMs: epochMs(stats.lastMs),
  };
}

const breakerEvents = {
  open: "breaker.opened",
  half_open: "breaker.half_opened",
  closed: "breaker.closed",
} as const;
