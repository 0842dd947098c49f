import { describe, expect, it } from "vitest";
import { singleFlight } from "./single-flight.ts";

function counted(whenAlone: "stop" | "finish") {
  const starts: { readonly signal: AbortSignal; readonly end: PromiseWithResolvers<number> }[] = [];
  const join = singleFlight((signal) => {
    const end = Promise.withResolvers<number>();
    starts.push({ signal, end });
    return end.promise;
  }, whenAlone);
  return { starts, join };
}

describe("work that many ask for", () => {
  it("is done once at a time", async () => {
    const { starts, join } = counted("stop");
    const both = Promise.all([join(), join()]);
    await Promise.resolve();
    starts[0]?.end.resolve(1);
    expect(await both).toEqual([1, 1]);
    const next = join();
    starts[1]?.end.resolve(2);
    expect(await next).toBe(2);
    expect(starts).toHaveLength(2);
  });

  it("goes on for the others when one leaves, and stops with the last", async () => {
    const { starts, join } = counted("stop");
    const [one, other] = [new AbortController(), new AbortController()];
    const first = join(one.signal);
    const second = join(other.signal);
    one.abort(new Error("one left"));
    await expect(first).rejects.toThrow("one left");
    expect(starts[0]?.signal.aborted).toBe(false);
    other.abort(new Error("other left"));
    await expect(second).rejects.toThrow("other left");
    expect(starts[0]?.signal.aborted).toBe(true);
  });

  it("goes on to its end without anybody where it must, and who comes then joins it", async () => {
    const { starts, join } = counted("finish");
    const stop = new AbortController();
    const left = join(stop.signal);
    stop.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    const joined = join();
    starts[0]?.end.resolve(7);
    expect(await joined).toBe(7);
    expect(starts).toHaveLength(1);
    expect(starts[0]?.signal.aborted).toBe(false);
  });

  it("fails for all who wait, and is tried again by who comes after", async () => {
    const { starts, join } = counted("stop");
    const both = Promise.allSettled([join(), join()]);
    await Promise.resolve();
    starts[0]?.end.reject(new Error("no"));
    expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const next = join();
    starts[1]?.end.resolve(1);
    expect(await next).toBe(1);
  });
});
