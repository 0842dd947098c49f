import { monitorEventLoopDelay } from "node:perf_hooks";
import type { LoadMeter } from "./worker-pool.ts";

const resolutionMs = 10;
const nanosPerMs = 1e6;

/** Starts to measure this process. Cost: a timer every 10 ms until it is disposed of. */
export function startLoadMeter(): LoadMeter {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  return {
    read() {
      // What is recorded is the time between two timers, of which the wished-for one is no delay.
      const delayP99Ms = delay.count === 0 ? 0 : Math.max(0, delay.percentile(99) / nanosPerMs - resolutionMs);
      return { delayP99Ms, rssMb: process.memoryUsage.rss() / 2 ** 20 };
    },
    reset: () => delay.reset(),
    [Symbol.dispose]: () => void delay.disable(),
  };
}
