import type { Atlas } from "../app/index.ts";
import { createDeadline, systemClock, toAtlasError } from "../base/index.ts";
import type { KeyCheck } from "../providers/index.ts";
import { checkKey, providerErrors } from "../providers/index.ts";

/** A list of models is short: whoever has not sent it by then is not there. */
const patienceMs = 5_000;

/** Is what the check of one provider came to. */
export type CheckedProvider = KeyCheck & { readonly provider: string };

/**
 * Asks a provider whether it can be reached and takes the key. Never generates, and gives up after five seconds.
 *
 * Errors: provider_unknown for a name that is none; `cancelled` by the signal. What the provider comes to is no error but told.
 */
export async function checkProvider(atlas: Atlas, provider: string, signal: AbortSignal): Promise<CheckedProvider> {
  using deadline = createDeadline(patienceMs, {
    clock: systemClock,
    signal,
    reason: () =>
      providerErrors.create("provider_timeout", `${provider} did not list its models within ${patienceMs / 1_000} s.`),
  });
  try {
    return { provider, ...(await checkKey(await atlas.models.providers.get(provider), { signal: deadline.signal })) };
  } catch (cause) {
    signal.throwIfAborted();
    const { code, message, fix } = toAtlasError(deadline.signal.aborted ? deadline.signal.reason : cause);
    if (code === "provider_unknown") throw cause;
    return { provider, ok: false, keyRefused: false, code, problem: `${message} ${fix}`, models: [] };
  }
}

/** Tells whether a provider has no list of models: that says nothing about its key, so it is no failure. */
export function cannotBeAsked({ code }: KeyCheck): boolean {
  return code === "provider_unsupported";
}

/** Gives the exit code of checks: 3 where a key was refused, 1 where something else went wrong. */
export function exitCodeOf(checked: readonly KeyCheck[]): number {
  if (checked.some(({ keyRefused }) => keyRefused)) return 3;
  return checked.every((each) => each.ok || cannotBeAsked(each)) ? 0 : 1;
}
