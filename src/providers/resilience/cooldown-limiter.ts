import type { Clock } from "../../base/index.ts";
import type { Cooldown } from "./cooldown.ts";
import type { Limiter } from "./limiter.ts";
import { createLine } from "./line.ts";

/** Makes a limiter of a cooldown: nobody goes until its deadline, then all may. */
export function cooldownLimiter(clock: Clock, cooldown: Cooldown): Limiter {
  const limiter: Limiter = {
    reason: "cooldown",
    clock,
    line: createLine(clock, () => limiter),
    tooLarge: () => undefined,
    waitMs: () => cooldown.leftMs,
    // A deadline only ever moves to a later time.
    leastWaitMs: () => cooldown.leftMs,
    take: () => ({ report() {}, end() {} }),
  };
  return limiter;
}
