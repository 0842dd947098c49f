import type { AtlasError, Clock, Random } from "../../base/index.ts";
import { drawBackoffMs } from "./backoff.ts";
import { failureKind } from "./outcome.ts";

/** Names what cools down. A key is named by an id, never by itself. */
export interface CooldownKey {
  readonly provider: string;
  readonly model: string;
  readonly keyId: string;
}

/** Are the options of cooldowns. Units: milliseconds. */
export interface CooldownOptions {
  /** Failures in a row without Retry-After at which a cooldown begins; 3 by default. A 429 counts at once. */
  readonly failures: number;
  /** Bound of the first cooldown without Retry-After; 1,000 by default. It doubles with each further failure; the wait is drawn below it. */
  readonly baseMs: number;
  /** Bound of all cooldowns without Retry-After, and the cooldown of an account without credit; 60,000 by default. */
  readonly maxMs: number;
}

/** Are the options of cooldowns that name none. */
export const defaultCooldown: CooldownOptions = { failures: 3, baseMs: 1_000, maxMs: 60_000 };

/** Is a failed call. Units: `beganMs` milliseconds of the monotonic clock. */
export interface FailedCall {
  readonly error: AtlasError;
  readonly beganMs: number;
}

/** Keeps the deadline before which one provider, model and key is not to be called. */
export interface Cooldown {
  /** How long it lasts from now. Units: milliseconds; 0 when there is none. */
  readonly leftMs: number;
  /** Tells that the key is out of use. */
  readonly disabled: boolean;
  /** Takes in a failure. The deadline is the latest that any failure asked for. */
  failed(call: FailedCall): void;
  /** Takes in a success: later failures count from the start again. It ends no cooldown. Units: of the monotonic clock. */
  succeeded(beganMs: number): void;
  /** Takes the key out of use for all models of the provider; other keys stay in use. */
  disableKey(): void;
  /** Takes the key into use again. */
  enableKey(): void;
}

/** Keeps cooldowns by provider, model and key; several gates may share it. */
export interface Cooldowns {
  /** Gives the cooldown of a model and key: the same whenever the same is asked for. */
  of(key: CooldownKey): Cooldown;
}

/** Makes cooldowns. Cost: one small record for each model and key that was asked for. */
export function createCooldowns(
  options: Partial<CooldownOptions> & { readonly clock: Clock; readonly random: Random },
): Cooldowns {
  const known = new Map<string, Cooldown>();
  const disabledKeys = new Set<string>();
  return {
    of(key) {
      const name = JSON.stringify([key.provider, key.model, key.keyId]);
      const cooldown = known.get(name) ?? createCooldown(key, disabledKeys, { ...defaultCooldown, ...options });
      known.set(name, cooldown);
      return cooldown;
    },
  };
}

function createCooldown(
  { provider, keyId }: CooldownKey,
  disabledKeys: Set<string>,
  { clock, random, failures: threshold, baseMs, maxMs }: CooldownOptions & { clock: Clock; random: Random },
): Cooldown {
  const keyName = JSON.stringify([provider, keyId]);
  let untilMs = 0;
  let failures = 0;
  let lastFailureMs = Number.NEGATIVE_INFINITY;

  const waitFor = (error: AtlasError): number => {
    const kind = failureKind(error);
    const asked = error.details["retryAfterMs"];
    if (typeof asked === "number") return asked;
    if (kind === "quota") return maxMs;
    const repetition = kind === "limited" ? failures - 1 : failures - threshold;
    return repetition < 0 ? 0 : drawBackoffMs(repetition, { baseMs, maxMs }, random);
  };
  const cooldown: Cooldown = {
    get leftMs() {
      return Math.max(0, untilMs - clock.monotonic());
    },
    get disabled() {
      return disabledKeys.has(keyName);
    },
    failed({ error, beganMs }) {
      const kind = failureKind(error);
      if (kind === "none" || kind === "request") return;
      if (kind === "key") return cooldown.disableKey();
      const now = clock.monotonic();
      // Calls that were under way together and fail together are one failure, not a row of them.
      if (beganMs >= lastFailureMs) {
        failures++;
        lastFailureMs = now;
      }
      untilMs = Math.max(untilMs, now + waitFor(error));
    },
    succeeded(beganMs) {
      if (beganMs >= lastFailureMs) failures = 0;
    },
    disableKey: () => void disabledKeys.add(keyName),
    enableKey: () => void disabledKeys.delete(keyName),
  };
  return cooldown;
}
