import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { createSlots } from "./slots.ts";

describe("slots", () => {
  it("are given out in order, and one that is given back twice is free once", async () => {
    const slots = createSlots(1);
    const first = await slots.acquire();
    const order: number[] = [];
    const rest = [1, 2].map(async (number) => {
      using _ = await slots.acquire();
      order.push(number);
    });
    expect(slots).toMatchObject({ taken: 1, waiting: 2 });
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    await Promise.all(rest);
    await slots.idle();
    expect(order).toEqual([1, 2]);
    expect(slots).toMatchObject({ taken: 0, waiting: 0 });
  });

  it("leave nothing on a signal, whether it aborts or not", async () => {
    const slots = createSlots(1);
    const { signal } = new AbortController();
    const stop = new AbortController();
    const first = await slots.acquire(signal);
    const second = slots.acquire(signal);
    const third = slots.acquire(stop.signal);
    stop.abort(new Error("enough"));
    await expect(third).rejects.toThrow("enough");
    first[Symbol.dispose]();
    (await second)[Symbol.dispose]();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
  });
});
