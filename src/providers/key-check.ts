import type { Clock, Random } from "../base/index.ts";
import { isAtlasError, systemClock, systemRandom } from "../base/index.ts";
import type { Provider } from "./model.ts";
import { singleFlight } from "./single-flight.ts";

/**
 * Tells whether a provider can be used with its key. `keyRefused` means that the key itself was refused (HTTP 401 or 403, or
 * none that can be sent): it should not be used again, while other keys of the same provider may be.
 */
export interface KeyCheck {
  readonly ok: boolean;
  readonly keyRefused: boolean;
  /** What is wrong and what to do about it; null when nothing is. */
  readonly problem: string | null;
  /** Is the code of what is wrong, from docs/errors.md. */
  readonly code: string | null;
  /** Names the models that the provider lists for the key. */
  readonly models: readonly string[];
}

/** Are the options of one check. */
export interface KeyCheckOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Remembers what checks came to. */
export interface KeyChecks {
  /** Checks the key of a provider, or tells what the last check came to while that is fresh. Errors: the signal's reason. */
  check(provider: Provider, options?: KeyCheckOptions): Promise<KeyCheck>;
  /** Forgets what is known of a provider: its key was exchanged, or should be asked about again. */
  forget(provider: Provider): void;
}

/**
 * Are the options of `createKeyChecks`. Units: milliseconds. What a check found is kept for `keepMs` (default 10 minutes), a
 * failure that passes by itself for `keepFailureMs` (default 30 seconds), each made longer or shorter by up to a fifth at random.
 */
export interface KeyChecksOptions {
  readonly keepMs?: number;
  readonly keepFailureMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

interface Known {
  readonly run: (signal?: AbortSignal) => Promise<KeyCheck>;
  result: KeyCheck | undefined;
  untilMs: number;
}

/**
 * Checks a provider's key by listing its models: nothing is generated, and nothing is charged. A provider that lists its
 * models to everybody says nothing about a key with it.
 *
 * Errors: only the signal's, as `cancelled`; every other failure is the outcome.
 */
export async function checkKey(provider: Provider, { signal }: KeyCheckOptions = {}): Promise<KeyCheck> {
  try {
    const models = await provider.listModels({ signal });
    return { ok: true, keyRefused: false, problem: null, code: null, models };
  } catch (error) {
    if (signal?.aborted === true || !isAtlasError(error)) throw error;
    const { code } = error;
    const keyRefused = code === "provider_authentication" || code === "provider_permission";
    // A message of the providers table names the provider and never the key; its fix says what to do.
    return { ok: false, keyRefused, problem: `${error.message} ${error.fix}`, code, models: [] };
  }
}

/**
 * Makes checks that are remembered. However many ask at once, a provider is asked once.
 *
 * Order: checks of different providers, or of one provider with different keys, know nothing of each other.
 */
export function createKeyChecks(options: KeyChecksOptions = {}): KeyChecks {
  const { keepMs = 600_000, keepFailureMs = 30_000, clock = systemClock, random = systemRandom } = options;
  // Held by the provider itself, which is one address with one key: the check goes when it does.
  const known = new WeakMap<Provider, Known>();

  const recordOf = (provider: Provider): Known => {
    const found = known.get(provider);
    if (found !== undefined) return found;
    const made: Known = {
      run: singleFlight(async (signal) => {
        const result = await checkKey(provider, { signal });
        const passes = !result.ok && !result.keyRefused;
        // Without jitter, all that were checked at the start would ask again at the same moment.
        made.untilMs = clock.now() + (passes ? keepFailureMs : keepMs) * (0.8 + 0.4 * random.next());
        made.result = result;
        return result;
      }, "stop"),
      result: undefined,
      untilMs: 0,
    };
    known.set(provider, made);
    return made;
  };
  return {
    async check(provider, { signal } = {}) {
      const record = recordOf(provider);
      if (record.result !== undefined && clock.now() < record.untilMs) return record.result;
      return await record.run(signal);
    },
    forget: (provider) => void known.delete(provider),
  };
}
