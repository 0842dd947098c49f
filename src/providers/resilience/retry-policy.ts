import { baseErrors } from "../../base/index.ts";

/** Says when the one owner of retries (the group) tries again. Units: milliseconds. */
export interface RetryPolicy {
  /** Attempts of one call over all members, the first one included. */
  readonly maxAttempts: number;
  /** Time of one call over all attempts and waits, after which no further attempt begins. */
  readonly maxTotalMs: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** The longest wait that a provider may ask for (Retry-After) and get; beyond it another member is asked. */
  readonly longestWaitMs: number;
  /** Tries again on the same member when nobody knows whether the provider did, and billed, the first attempt. */
  readonly retryAmbiguous: boolean;
  /** What follows a request that the provider calls wrong. */
  readonly onInvalidRequest: "stop" | "fallback";
  /** What follows a request that the provider's content policy stopped. */
  readonly onContentPolicy: "stop" | "fallback";
}

/** Is the policy of a group that names none. */
export const defaultRetryPolicy: RetryPolicy = {
  maxAttempts: 4,
  // More than a model may be silent: another can still take over from one that hangs.
  maxTotalMs: 300_000,
  baseDelayMs: 500,
  maxDelayMs: 10_000,
  longestWaitMs: 10_000,
  retryAmbiguous: false,
  onInvalidRequest: "stop",
  onContentPolicy: "stop",
};

/** Makes a policy from the options that are named. Errors: invalid_input where a number makes no sense. */
export function retryPolicy(options: Partial<RetryPolicy> = {}): RetryPolicy {
  const policy = { ...defaultRetryPolicy, ...options };
  for (const name of ["maxAttempts", "maxTotalMs", "baseDelayMs", "maxDelayMs", "longestWaitMs"] as const) {
    const least = name === "maxAttempts" ? 1 : 0;
    if (policy[name] >= least) continue;
    throw baseErrors.create(
      "invalid_input",
      `The retry option ${name} is ${policy[name]}; set it to ${least} or more.`,
      {
        details: { option: name },
      },
    );
  }
  return policy;
}
