import { describe, expect, it } from "vitest";
import { manualClock } from "../../testing/index.ts";
import { startLoadMeter } from "./load-meter.ts";
import { WorkerPool } from "./worker-pool.ts";
import type { PoolLoad } from "./worker-pool.ts";

function makePool(bounds: { minRuns?: number; maxRuns?: number; maxRssMb?: number } = {}) {
  const clock = manualClock();
  const seen = { load: { delayP99Ms: 1, rssMb: 100 } satisfies PoolLoad as PoolLoad, meters: 0, asked: 0 };
  const pool = new WorkerPool({
    minRuns: 1,
    maxRuns: 100,
    maxRssMb: 500,
    ...bounds,
    clock,
    meter: () => {
      seen.meters++;
      return { read: () => seen.load, reset: () => {}, [Symbol.dispose]: () => void seen.meters-- };
    },
    grown: () => {
      seen.asked++;
      if (pool.free === 0) pool.want();
    },
  });
  return { pool, clock, seen };
}

describe("a pool of workers", () => {
  it("grows to its upper bound while more wait and the process is calm", async () => {
    const { pool, clock } = makePool();
    pool.take(pool.free);
    pool.want();
    const sizes: number[] = [];
    for (let tick = 0; tick < 5; tick++) {
      await clock.advance(250);
      sizes.push(pool.state().size);
      pool.take(pool.free);
      pool.want();
    }
    expect(sizes).toEqual([32, 64, 100, 100, 100]);
    expect(pool.state()).toMatchObject({ busy: 100, minRuns: 1, maxRuns: 100, reason: "more runs wait" });
  });

  it("does not grow when nothing more waits", async () => {
    const { pool, clock } = makePool();
    pool.take(3);
    await clock.advance(2_000);
    expect(pool.state()).toMatchObject({ size: 16, decision: "hold", reason: "enough places" });
  });

  it("shrinks once a second while the event loop lags, to its lower bound", async () => {
    const { pool, clock, seen } = makePool({ minRuns: 8 });
    pool.take(16);
    pool.want();
    seen.load = { delayP99Ms: 80, rssMb: 100 };
    const sizes: number[] = [];
    for (let second = 0; second < 4; second++) {
      await clock.advance(1_000);
      sizes.push(pool.state().size);
    }
    expect(sizes).toEqual([12, 9, 8, 8]);
    expect(pool.state().reason).toBe("the event loop lags");
    expect(pool.free).toBe(0);
  });

  it("neither grows nor shrinks between calm and lag", async () => {
    const { pool, clock, seen } = makePool();
    seen.load = { delayP99Ms: 30, rssMb: 100 };
    pool.take(16);
    pool.want();
    await clock.advance(3_000);
    expect(pool.state()).toMatchObject({ size: 16, decision: "hold" });
  });

  it("shrinks when memory is used up, and stops growing before", async () => {
    const { pool, clock, seen } = makePool();
    pool.take(16);
    pool.want();
    seen.load = { delayP99Ms: 1, rssMb: 460 };
    await clock.advance(1_000);
    expect(pool.state().size).toBe(16);
    seen.load = { delayP99Ms: 1, rssMb: 501 };
    await clock.advance(1_000);
    expect(pool.state()).toMatchObject({ size: 12, decision: "shrink", reason: "memory is used up" });
  });

  it("measures nothing while it has nothing to do", async () => {
    const { pool, clock, seen } = makePool();
    expect(seen.meters).toBe(0);
    pool.take(1);
    expect(seen.meters).toBe(1);
    pool.give(1);
    await clock.advance(250);
    expect(seen.meters).toBe(0);
    expect(clock.sleeping).toBe(0);
    pool.take(1);
    expect(seen.meters).toBe(1);
    pool[Symbol.dispose]();
    await clock.advance(0);
    expect(seen.meters).toBe(0);
  });

  it("lets a run that wakes go on though every place is taken", () => {
    const { pool } = makePool({ maxRuns: 1 });
    pool.take(1);
    pool.take(1);
    expect(pool.free).toBe(0);
    pool.give(1);
    expect(pool.free).toBe(0);
    pool.give(1);
    expect(pool.free).toBe(1);
  });
});

describe("the load of a process", () => {
  it("tells its memory, and the delay of an event loop that was kept busy", async () => {
    using meter = startLoadMeter();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until = performance.now() + 120;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { delayP99Ms, rssMb } = meter.read();
    expect(delayP99Ms).toBeGreaterThan(80);
    expect(rssMb).toBeGreaterThan(20);
    meter.reset();
    expect(meter.read().delayP99Ms).toBe(0);
  });
});
