import type { AtlasError, Clock } from "../../base/index.ts";
import { baseErrors } from "../../base/index.ts";
import { providerErrors } from "../errors.ts";
import type { GateNeed } from "./gate.ts";
import type { LimiterHold, Limiter } from "./limiter.ts";
import { createLine } from "./line.ts";
import { type SlidingWindow, createSlidingWindow } from "./sliding-window.ts";

/** Are the options of a rate limiter. What is not named is not limited, except by what the provider reports. */
export interface RateLimiterOptions {
  readonly clock: Clock;
  /** Names what is limited, for messages: `openai`, `tenant acme`. */
  readonly name: string;
  readonly requestsPerMinute?: number | undefined;
  /** Counts input and output together. */
  readonly tokensPerMinute?: number | undefined;
  /** Takes over what the provider says in its headers (default); false for limits that are none of the provider's, such as a tenant's. */
  readonly followReports?: boolean;
  /** The length of the window in milliseconds; 60,000 by default. Shorter ones are for tests and benches. */
  readonly windowMs?: number;
  /** Counts each request for this many milliseconds longer, because the provider sees it later than Atlas and by another clock; 500 by default. */
  readonly marginMs?: number;
}

/**
 * Makes a limit on requests and tokens that is not exceeded in any window of 60 seconds. Tokens are taken as input and
 * largest output, and corrected to what was used when the call ends.
 *
 * Errors: invalid_input for a limit that is not positive.
 */
export function createRateLimiter(options: RateLimiterOptions): Limiter {
  const { clock, name, followReports = true, windowMs = 60_000, marginMs = 500 } = options;
  const window = (option: "requestsPerMinute" | "tokensPerMinute"): SlidingWindow =>
    createSlidingWindow({ limit: limitOf(options, option), spanMs: windowMs + marginMs });
  const requests = window("requestsPerMinute");
  const tokens = window("tokensPerMinute");
  let open = 0;

  const limiter: Limiter = {
    reason: "rate_limited",
    clock,
    line: createLine(clock, () => limiter),
    tooLarge: (need) => (sizeOf(need) > tokens.limit ? tooSmall(name, tokens.limit, need) : undefined),
    waitMs(need) {
      const now = clock.monotonic();
      return Math.max(0, requests.waitMs(1, now), tokens.waitMs(sizeOf(need), now));
    },
    // A call that is under way may give tokens back, or bring a better report, at any moment.
    leastWaitMs: (need) => (open > 0 ? 0 : limiter.waitMs(need)),
    take(need) {
      const now = clock.monotonic();
      const charges = { requests: requests.take(1, now), tokens: tokens.take(sizeOf(need), now) };
      let ended = false;
      open++;
      const hold: LimiterHold = {
        report(limits) {
          if (!followReports) return;
          const { requestsRemaining, requestsResetMs = windowMs, tokensRemaining, tokensResetMs = windowMs } = limits;
          const at = clock.monotonic();
          if (requestsRemaining !== undefined) charges.requests.reported(requestsRemaining, requestsResetMs, at);
          if (tokensRemaining !== undefined) charges.tokens.reported(tokensRemaining, tokensResetMs, at);
        },
        end(usedTokens) {
          if (ended) return;
          ended = true;
          open--;
          if (usedTokens !== undefined) charges.tokens.correct(usedTokens, clock.monotonic());
        },
      };
      return hold;
    },
  };
  return limiter;
}

function sizeOf({ inputTokens, maxOutputTokens }: GateNeed): number {
  return inputTokens + maxOutputTokens;
}

function limitOf(options: RateLimiterOptions, option: "requestsPerMinute" | "tokensPerMinute"): number {
  const limit = options[option] ?? Number.POSITIVE_INFINITY;
  if (limit >= 1) return limit;
  throw baseErrors.create("invalid_input", `${option} of ${options.name} is ${limit}; set it to 1 or more.`, {
    details: { option, name: options.name },
  });
}

function tooSmall(name: string, limit: number, { inputTokens, maxOutputTokens }: GateNeed): AtlasError {
  const message =
    `A request of ${inputTokens} tokens with up to ${maxOutputTokens} tokens of answer is more than the ` +
    `${limit} tokens a minute that ${name} may use; raise tokensPerMinute or lower maxOutputTokens.`;
  return providerErrors.create("rate_limit_too_small", message, {
    details: { limiter: name, tokensPerMinute: limit, inputTokens, maxOutputTokens },
  });
}
