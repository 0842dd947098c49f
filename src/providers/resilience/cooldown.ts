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

/** Keeps the deadlines before which a provider, model and key are not to be called; several gates may share it. */
export interface Cooldowns {
  /** Tells how long the cooldown lasts from now. Units: milliseconds; 0 when there is none. */
  leftMs(key: CooldownKey): number;
  /** Takes in a failure. The deadline is the latest that any failure asked for. */
  failed(key: CooldownKey, call: FailedCall): void;
  /** Takes in a success: later failures count from the start again. It ends no cooldown. Units: of the monotonic clock. */
  succeeded(key: CooldownKey, beganMs: number): void;
  /** Tells whether the provider refused the key. */
  isDisabled(key: Omit<CooldownKey, "model">): boolean;
  /** Takes a key out of use for all models of the provider; other keys stay in use. */
  disableKey(key: Omit<CooldownKey, "model">): void;
  /** Takes a key into use again. */
  enableKey(key: Omit<CooldownKey, "model">): void;
}

interface Trouble {
  untilMs: number;
  failures: number;
  lastFailureMs: number;
}

/** Makes cooldowns. Cost: one small record for each model and key that has failed since its last success. */
export function createCooldowns(
  options: Partial<CooldownOptions> & { readonly clock: Clock; readonly random: Random },
): Cooldowns {
  const { clock, random, ...named } = options;
  const { failures: threshold, baseMs, maxMs } = { ...defaultCooldown, ...named };
  const troubles = new Map<string, Trouble>();
  const disabled = new Set<string>();

  const waitFor = (error: AtlasError, failures: number): number => {
    const kind = failureKind(error);
    const asked = error.details["retryAfterMs"];
    if (typeof asked === "number") return asked;
    if (kind === "quota") return maxMs;
    const repetition = kind === "limited" ? failures - 1 : failures - threshold;
    return repetition < 0 ? 0 : drawBackoffMs(repetition, { baseMs, maxMs }, random);
  };
  return {
    leftMs(key) {
      return Math.max(0, (troubles.get(nameOf(key))?.untilMs ?? 0) - clock.monotonic());
    },
    failed(key, { error, beganMs }) {
      const kind = failureKind(error);
      if (kind === "none" || kind === "request") return;
      if (kind === "key") return void disabled.add(keyOf(key));
      const now = clock.monotonic();
      const name = nameOf(key);
      const trouble = troubles.get(name) ?? { untilMs: 0, failures: 0, lastFailureMs: Number.NEGATIVE_INFINITY };
      // Calls that were under way together and fail together are one failure, not a row of them.
      if (beganMs >= trouble.lastFailureMs) {
        trouble.failures++;
        trouble.lastFailureMs = now;
      }
      trouble.untilMs = Math.max(trouble.untilMs, now + waitFor(error, trouble.failures));
      troubles.set(name, trouble);
    },
    succeeded(key, beganMs) {
      const trouble = troubles.get(nameOf(key));
      if (trouble === undefined || beganMs < trouble.lastFailureMs) return;
      trouble.failures = 0;
      if (trouble.untilMs <= clock.monotonic()) troubles.delete(nameOf(key));
    },
    isDisabled: (key) => disabled.has(keyOf(key)),
    disableKey: (key) => void disabled.add(keyOf(key)),
    enableKey: (key) => void disabled.delete(keyOf(key)),
  };
}

function nameOf({ provider, model, keyId }: CooldownKey): string {
  return JSON.stringify([provider, model, keyId]);
}

function keyOf({ provider, keyId }: Omit<CooldownKey, "model">): string {
  return JSON.stringify([provider, keyId]);
}
