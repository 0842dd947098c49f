import type { Clock } from "../../base/index.ts";

/** Is what a pool decides by. Units: the delay of the event loop that 99 of 100 waits of the last second kept below; the process's memory. */
export interface PoolLoad {
  readonly delayP99Ms: number;
  readonly rssMb: number;
}

/** Measures the load of this process while it is told to. */
export interface LoadMeter extends Disposable {
  /** Gives the load since the last `reset`. */
  read(): PoolLoad;
  reset(): void;
}

/** Are the options of a worker pool. Units: runs at once; MB. */
export interface WorkerPoolOptions {
  readonly minRuns: number;
  readonly maxRuns: number;
  readonly maxRssMb: number;
  readonly clock: Clock;
  /** Starts a meter; it is disposed of while there is nothing to do. */
  readonly meter: () => LoadMeter;
  /** Is told when there may be room for more. */
  readonly grown: () => void;
}

/** Is a pool as it is now, with its last decision and why. */
export interface PoolState {
  readonly size: number;
  readonly busy: number;
  readonly minRuns: number;
  readonly maxRuns: number;
  readonly load: PoolLoad;
  readonly decision: "hold" | "grow" | "shrink";
  readonly reason: string;
}

const startSize = 16;
const tickMs = 250;
const ticksPerWindow = 4;
const laggingMs = 50;
const calmMs = 20;
/** Growth stops before memory is at its bound, so that growing alone does not pass it. */
const roomyShare = 0.9;
const idleLoad: PoolLoad = { delayP99Ms: 0, rssMb: 0 };

/**
 * Says how many runs a worker has at once: twice as many while more wait and the process is calm, fewer while its event loop lags or
 * its memory is used up; always between the bounds. It looks at the load only while it has work.
 */
export class WorkerPool implements Disposable {
  readonly #options: WorkerPoolOptions;
  #size: number;
  #busy = 0;
  #isWanted = false;
  #ticks = 0;
  #stop: AbortController | undefined;
  #last: Pick<PoolState, "load" | "decision" | "reason"> = { load: idleLoad, decision: "hold", reason: "just begun" };

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#size = Math.min(options.maxRuns, Math.max(options.minRuns, startSize));
  }

  /** How many more runs may begin. */
  get free(): number {
    return Math.max(0, this.#size - this.#busy);
  }

  /** Takes places, whether or not they are free: a run that wakes is not kept waiting. */
  take(count: number): void {
    this.#busy += count;
    this.#watch();
  }

  give(count: number): void {
    this.#busy -= count;
  }

  /** Tells that more runs wait than places are free. */
  want(): void {
    this.#isWanted = true;
    this.#watch();
  }

  state(): PoolState {
    const { minRuns, maxRuns } = this.#options;
    return { size: this.#size, busy: this.#busy, minRuns, maxRuns, ...this.#last };
  }

  [Symbol.dispose](): void {
    this.#stop?.abort();
  }

  #watch(): void {
    if (this.#stop !== undefined) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.#tickWhileBusy(stop.signal).catch(() => {});
  }

  async #tickWhileBusy(signal: AbortSignal): Promise<void> {
    using meter = this.#options.meter();
    this.#ticks = 0;
    while (this.#busy > 0 || this.#isWanted) {
      await this.#options.clock.sleep(tickMs, { signal, keepAlive: false });
      this.#decide(meter.read());
      if (this.#ticks % ticksPerWindow === 0) meter.reset();
    }
    this.#stop = undefined;
  }

  #decide(load: PoolLoad): void {
    const { minRuns, maxRuns, maxRssMb } = this.#options;
    const before = this.#size;
    this.#ticks++;
    const endsWindow = this.#ticks % ticksPerWindow === 0;
    let reason = "enough places";
    if (load.rssMb > maxRssMb || load.delayP99Ms > laggingMs) {
      reason = load.rssMb > maxRssMb ? "memory is used up" : "the event loop lags";
      if (endsWindow) this.#size = Math.max(minRuns, Math.floor(before * 0.75));
    } else if (this.#isWanted) {
      const isCalm = load.delayP99Ms < calmMs && load.rssMb < maxRssMb * roomyShare;
      reason = isCalm ? "more runs wait" : "more runs wait, but the process is busy";
      if (isCalm) this.#size = Math.min(maxRuns, before * 2);
    }
    this.#isWanted = false;
    const decision = this.#size > before ? "grow" : this.#size < before ? "shrink" : "hold";
    this.#last = { load, decision, reason };
    // Whoever still waits says so again.
    this.#options.grown();
  }
}
