import type { Clock } from "../../base/index.ts";
import type { CooldownKey, Cooldowns } from "./cooldown.ts";
import type { Limiter } from "./limiter.ts";
import { createLine } from "./line.ts";

/** Makes a limiter of a cooldown: nobody goes until its deadline, then all may. */
export function cooldownLimiter(clock: Clock, cooldowns: Cooldowns, key: CooldownKey): Limiter {
  const limiter: Limiter = {
    reason: "cooldown",
    clock,
    line: createLine(clock, () => limiter),
    tooLarge: () => undefined,
    waitMs: () => cooldowns.leftMs(key),
    // A deadline only ever moves to a later time.
    leastWaitMs: () => cooldowns.leftMs(key),
    take: () => ({ report() {}, end() {} }),
  };
  return limiter;
}
