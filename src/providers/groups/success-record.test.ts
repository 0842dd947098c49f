import { describe, expect, it } from "vitest";
import { seededRandom } from "../../base/index.ts";
import { createSuccessRecord } from "./success-record.ts";

const halfLifeMs = 600_000;

/** Makes calls that fail at a rate; gives how often a failure made the record forget what was before. */
function feed(record: ReturnType<typeof createSuccessRecord>, seed: number, plan: { calls: number; rate: number }) {
  const random = seededRandom(seed);
  let forgot = 0;
  for (let call = 0; call < plan.calls; call++) {
    const before = record.calls(0);
    const failed = random.next() < plan.rate;
    record.add(failed, 0);
    if (failed && record.calls(0) < before) forgot++;
  }
  return forgot;
}

describe("a record of successes", () => {
  it.each([50, 500, 50_000])("of %d good calls does not cover a bad present (acceptance 24)", (good) => {
    const rates = Array.from({ length: 100 }, (_, seed) => {
      const record = createSuccessRecord(halfLifeMs);
      feed(record, seed, { calls: good, rate: 0 });
      feed(record, seed + 1_000, { calls: 25, rate: 0.3 });
      return record.failureRate;
    });
    expect(rates.filter((rate) => rate > 0.1).length).toBeGreaterThanOrEqual(80);
  });

  it("is not shaken by a single failure, nor by a rate that stays the same", () => {
    const record = createSuccessRecord(halfLifeMs);
    feed(record, 1, { calls: 500, rate: 0 });
    record.add(true, 0);
    expect(record.calls(0)).toBe(501);
    let forgot = 0;
    for (let seed = 0; seed < 50; seed++) {
      forgot += feed(createSuccessRecord(halfLifeMs), seed, { calls: 200, rate: 0.05 });
    }
    expect(forgot).toBeLessThan(10);
  });

  it("forgets a bad past after a row of successes that it makes unlikely", () => {
    const record = createSuccessRecord(halfLifeMs);
    for (const failed of [true, true, true, false, true, false]) record.add(failed, 0);
    expect(record.failureRate).toBeGreaterThan(0.5);
    for (let call = 0; call < 3; call++) record.add(false, 0);
    expect(record.failureRate).toBe(0);
  });

  it("fades with time, before and after what it compares", () => {
    const record = createSuccessRecord(halfLifeMs);
    feed(record, 1, { calls: 100, rate: 0 });
    record.add(true, halfLifeMs);
    expect(record.calls(halfLifeMs)).toBeCloseTo(51);
    expect(record.calls(halfLifeMs * 2)).toBeCloseTo(25.5);
    expect(record.failureRate).toBeCloseTo(1 / 51);
  });
});
