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
  /** How long a key that the provider refused is out of use before it is tried again; 600,000 by default. Infinity: until it is enabled. */
  readonly keyMs: number;
}

/** Are the options of cooldowns that name none. */
export const defaultCooldown: CooldownOptions = { failures: 3, baseMs: 1_000, maxMs: 60_000, keyMs: 600_000 };

/** Is a failed call. Units: `beganMs` milliseconds of the monotonic clock. */
export interface FailedCall {
  readonly error: AtlasError;
  readonly beganMs: number;
}

/** Keeps the deadline before which one provider, model and key is not to be called. */
export interface Cooldown {
  /** How long it lasts from now. Units: milliseconds; 0 when there is none. */
  readonly leftMs: number;
  /** How long the key is out of use from now. Units: milliseconds; 0 when it is in use. */
  readonly disabledMs: number;
  /** Takes in a failure. The deadline is the latest that any failure asked for. */
  failed(call: FailedCall): void;
  /** Takes in a success: later failures count from the start again. It ends no cooldown. Units: of the monotonic clock. */
  succeeded(beganMs: number): void;
  /** Takes the key out of use for all models of the provider; other keys stay in use. Units: milliseconds; Infinity by default. */
  disableKey(forMs?: number): void;
  /** Takes the key into use again, for all models. */
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
  const keys: RefusedKeys = new Map();
  return {
    of(key) {
      const name = JSON.stringify([key.provider, key.model, key.keyId]);
      const cooldown = known.get(name) ?? createCooldown(key, keys, { ...defaultCooldown, ...options });
      known.set(name, cooldown);
      return cooldown;
    },
  };
}

/** Holds for each key the models that it is refused for (`*` for all) and until when. */
type RefusedKeys = Map<string, Map<string, number>>;

const allModels = "*";

function createCooldown(
  { provider, model, keyId }: CooldownKey,
  keys: RefusedKeys,
  { clock, random, failures: threshold, baseMs, maxMs, keyMs }: CooldownOptions & { clock: Clock; random: Random },
): Cooldown {
  const keyName = JSON.stringify([provider, keyId]);
  let untilMs = 0;
  let failures = 0;
  let lastFailureMs = Number.NEGATIVE_INFINITY;

  const waitFor = (error: AtlasError): number => {
    const kind = failureKind(error);
    const asked = error.details["retryAfterMs"];
    if (typeof asked === "number" && Number.isFinite(asked)) return asked;
    if (kind === "quota") return maxMs;
    const repetition = kind === "limited" ? failures - 1 : failures - threshold;
    return repetition < 0 ? 0 : drawBackoffMs(repetition, { baseMs, maxMs }, random);
  };
  const disable = (what: string, forMs: number): void => {
    const refused = keys.get(keyName) ?? new Map<string, number>();
    keys.set(keyName, refused.set(what, Math.max(refused.get(what) ?? 0, clock.monotonic() + forMs)));
  };
  const cooldown: Cooldown = {
    get leftMs() {
      return Math.max(0, untilMs - clock.monotonic());
    },
    get disabledMs() {
      const refused = keys.get(keyName);
      if (refused === undefined) return 0;
      const untilMs = Math.max(refused.get(allModels) ?? 0, refused.get(model) ?? 0);
      return Math.max(0, untilMs - clock.monotonic());
    },
    failed({ error, beganMs }) {
      const kind = failureKind(error);
      if (kind === "none" || kind === "request") return;
      // A key may be refused for one model and be good for the others.
      if (kind === "key") return disable(error.code === "provider_permission" ? model : allModels, keyMs);
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
    disableKey: (forMs = Number.POSITIVE_INFINITY) => disable(allModels, forMs),
    enableKey: () => void keys.delete(keyName),
  };
  return cooldown;
}
