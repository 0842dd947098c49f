import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Amount, type Budget, createBudget, type Reservation } from "../../base/index.ts";
import { hostedCapabilities, localCapabilities } from "../capabilities.ts";
import type { StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";
import { openCallBudget } from "./call-budget.ts";
import type { Prices } from "./price.ts";
import { createPrices, noPriceTable } from "./prices.ts";
import { countTokens } from "./tokens.ts";

const model = { provider: "test", name: "m", capabilities: hostedCapabilities };
const price = { inputPerMillion: 1, outputPerMillion: 10, cacheWritePerMillion: 5 };
const prices: Prices = createPrices(noPriceTable, { overrides: { "test/m": price } });
const need = { inputTokens: 100, maxOutputTokens: 50, bounded: true };
const nothing = { tokens: 0, costMicroUsd: 0 };
const text = (length: number): StreamPart => ({ type: "text.delta", text: "x".repeat(length) });
const report = (usage: Partial<Usage>): StreamPart => ({
  type: "usage.updated",
  usage: { inputTokens: 100, outputTokens: 1, provenance: "partial", ...usage },
});

describe("the budget of a call", () => {
  it("sets aside the estimate of the input and the most that the answer can be (acceptance 15)", async () => {
    const budget = createBudget("run", { maxCostMicroUsd: 1_000 });
    await using call = await openCallBudget({ budget, prices, model, need });
    expect(budget.reserved).toEqual({ tokens: 150, costMicroUsd: 100 + 500 });
    await expect(openCallBudget({ budget, prices, model, need })).rejects.toMatchObject({
      code: "budget_exceeded",
      details: { scope: "run", kind: "money", limit: 1_000, left: 400, asked: 600 },
    });
    expect(await call.settle({ inputTokens: 90, outputTokens: 20, provenance: "reported" })).toBe(290);
    expect([budget.spent, budget.reserved]).toEqual([{ tokens: 110, costMicroUsd: 290 }, nothing]);
  });

  it.each(["x".repeat(40_000), "字".repeat(10_000), "да".repeat(10_000)])(
    "stops within one chunk of the limit in any script: %.6s… (acceptance 16)",
    async (answer) => {
      for (const chunkChars of [1, 7, 100, 10_000]) {
        const budget = createBudget("run", { maxTokens: 3_000 });
        await using call = await openCallBudget({ budget, prices, model, need });
        let sent = 0;
        for (; sent < answer.length; sent += chunkChars) {
          const chunk = answer.slice(sent, sent + chunkChars);
          if ((await call.watch({ type: "text.delta", text: chunk })) === "stop") break;
        }
        expect(sent).toBeLessThan(answer.length);
        await call.settle(call.usage());
        // One delta is at least one token.
        expect(budget.spent.tokens).toBeGreaterThan(3_000);
        expect(budget.spent.tokens).toBeLessThanOrEqual(3_000 + Math.max(1, chunkChars));
        expect(call.usage().outputTokens).toBeGreaterThanOrEqual(countTokens(answer.slice(0, sent)).tokens);
      }
    },
  );

  it("begins with less where less is left, if the answer has no bound (acceptance 15)", async () => {
    const unbounded = { inputTokens: 100, maxOutputTokens: 1_024, bounded: false };
    const budget = createBudget("run", { maxCostMicroUsd: 1_000 });
    await using call = await openCallBudget({ budget, prices, model, need: unbounded });
    expect(budget.reserved.costMicroUsd).toBe(100 + 640);
    let chars = 0;
    while ((await call.watch(text(4))) === "go") chars += 4;
    expect(chars).toBeGreaterThan(300);
    await call.settle(call.usage());
    expect(budget.spent.costMicroUsd).toBeLessThanOrEqual(1_000 + 10);
    const bounded = { ...unbounded, bounded: true };
    await expect(
      openCallBudget({ budget: createBudget("run", { maxCostMicroUsd: 1_000 }), prices, model, need: bounded }),
    ).rejects.toMatchObject({ code: "budget_exceeded", details: { asked: 100 + 10_240 } });
    await expect(
      openCallBudget({ budget: createBudget("run", { maxCostMicroUsd: 200 }), prices, model, need: unbounded }),
    ).rejects.toMatchObject({ code: "budget_exceeded", details: { asked: 100 + 160 } });
  });

  it("counts what a model of the program's own reports in whole tokens", async () => {
    const budget = createBudget("run", { maxTokens: 1_000 });
    await using call = await openCallBudget({ budget, prices, model, need });
    expect(await call.watch(report({ inputTokens: 100.5, outputTokens: 60.2 }))).toBe("go");
    await call.settle({ inputTokens: 100.5, outputTokens: Number.NaN, provenance: "reported" });
    expect(budget.spent.tokens).toBe(101);
  });

  it("never gives back as unspent what was spent and could not be written at first", async () => {
    const above = createBudget("tenant", { maxTokens: 1_000 });
    let broken = true;
    const flaky: Budget = {
      ...above,
      get left() {
        return above.left;
      },
      async reserve(amount, options) {
        const held = await above.reserve(amount, options);
        const settle = (spent: Amount): Promise<void> =>
          broken ? Promise.reject(new Error("The disk is full.")) : held.settle(spent);
        return { amount: held.amount, grow: (by) => held.grow(by), settle, release: () => held.release() };
      },
    };
    const budget = createBudget("run", {}, { above: flaky });
    {
      await using call = await openCallBudget({ budget, prices, model, need });
      await expect(call.settle({ inputTokens: 90, outputTokens: 20, provenance: "reported" })).rejects.toThrow("full");
      broken = false;
    }
    expect([above.spent.tokens, above.reserved.tokens, budget.spent.tokens]).toEqual([110, 0, 110]);
  });

  it("lets exactly as many calls through at once as their reservations fit (acceptance 15)", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(5_000), fc.nat(100), fc.nat(100), async (maxCostMicroUsd, input, output) => {
        const budget = createBudget("tenant", { maxCostMicroUsd });
        const own = { inputTokens: input + 1, maxOutputTokens: output, bounded: true };
        const size = input + 1 + output * 10;
        const scope = budget.child("run");
        const tries = Array.from({ length: 20 }, () => openCallBudget({ budget: scope, prices, model, need: own }));
        const calls = (await Promise.allSettled(tries)).filter((each) => each.status === "fulfilled");
        expect(calls).toHaveLength(Math.min(20, Math.floor(maxCostMicroUsd / size)));
        await Promise.all(calls.map(({ value }) => value.release()));
        expect(budget.reserved).toEqual(nothing);
      }),
      { numRuns: 1_000 },
    );
  });

  it("grows with an answer that nobody bounds, to the last token of the limit, and stops within one part of it (acceptance 16)", async () => {
    const budget = createBudget("run", { maxTokens: 1_000 });
    const call = await openCallBudget({ budget, prices, model, need: { ...need, bounded: false } });
    const verdicts: unknown[] = [];
    for (let index = 0; index < 1_000 && verdicts.at(-1) !== "stop"; index++) verdicts.push(call.watch(text(4)));
    expect(verdicts.length).toBe(1_000 - 100 + 1);
    expect(call.usage()).toEqual({ inputTokens: 100, outputTokens: 901, provenance: "estimated" });
    expect(call.watch(text(1))).toBe("stop");
    await call.settle(call.usage());
    expect([budget.spent.tokens, budget.reserved]).toEqual([1_002, nothing]);
  });

  it("goes by what the provider reports where that is more (acceptance 16)", async () => {
    const budget = createBudget("run", { maxCostMicroUsd: 700 });
    const call = await openCallBudget({ budget, prices, model, need });
    expect(call.watch(report({ inputTokens: 120 }))).toBe("go");
    // Of 150 tokens, 130 go into a cache at five times the price: 20 + 650 + 10, and then 31 tokens more.
    expect(call.watch(report({ inputTokens: 150, cacheWriteTokens: 130 }))).toBe("go");
    expect(call.watch(report({ inputTokens: 150, cacheWriteTokens: 130, outputTokens: 4 }))).toBe("stop");
    expect(call.usage()).toMatchObject({ outputTokens: 4, provenance: "partial" });
    await call.release();
    expect(budget.reserved).toEqual(nothing);
  });

  it("does not stop an answer that is whole", async () => {
    const budget = createBudget("run", { maxTokens: 150 });
    const call = await openCallBudget({ budget, prices, model, need });
    const usage: Usage = { inputTokens: 100, outputTokens: 900, provenance: "reported" };
    expect(call.watch({ type: "response.finished", finishReason: "stop", usage, metadata: {} })).toBe("go");
    await call.settle(usage);
    expect(budget.spent.tokens).toBe(1_000);
  });

  it("waits for a budget that is kept elsewhere, and only where the answer outgrows it (acceptance 16)", async () => {
    const memory = createBudget("day", { maxTokens: 500 });
    const later: Budget = {
      ...memory,
      left: memory.left,
      reserve: async (amount) => lazily(await memory.reserve(amount)),
    };
    const call = await openCallBudget({ budget: later, prices, model, need });
    expect(call.watch(text(40))).toBe("go");
    const grown = call.watch(text(400));
    expect(grown).toBeInstanceOf(Promise);
    expect(await grown).toBe("go");
    expect(await call.watch(text(4_000))).toBe("stop");
  });

  it("refuses a model without a known price where money is limited, and nowhere else (acceptance 13)", async () => {
    const unknown = { ...model, name: "unknown" };
    const budget = createBudget("tenant", { maxCostMicroUsd: 1_000 }).child("run", { maxTokens: 200 });
    await expect(openCallBudget({ budget, prices, model: unknown, need })).rejects.toMatchObject({
      code: "budget_price_unknown",
      details: { provider: "test", model: "unknown", scope: "run" },
    });
    expect(budget.reserved).toEqual(nothing);
    const call = await openCallBudget({ budget, prices, model: unknown, need, unknownPrice: "allow" });
    expect(await call.settle({ inputTokens: 1, outputTokens: 1, provenance: "reported" })).toBeNull();
    expect(budget.spent).toEqual({ tokens: 2, costMicroUsd: 0 });
    const tokens = createBudget("run", { maxTokens: 200 });
    await using held = await openCallBudget({ budget: tokens, prices, model: unknown, need });
    expect([held.usage().inputTokens, tokens.reserved.tokens]).toEqual([100, 150]);
    await expect(openCallBudget({ budget: tokens, prices, model: unknown, need })).rejects.toMatchObject({
      details: { kind: "tokens" },
    });
  });

  it("costs nothing for a free model, and counts without any budget (acceptance 13)", async () => {
    const local = { provider: "ollama", name: "llama3", capabilities: localCapabilities };
    const budget = createBudget("run", { maxCostMicroUsd: 0 });
    await using call = await openCallBudget({ budget, prices, model: local, need });
    expect(await call.settle({ inputTokens: 9, outputTokens: 9, provenance: "reported" })).toBe(0);
    const free = await openCallBudget({ prices, model, need });
    expect(free.watch(text(40_000))).toBe("go");
    expect(await free.settle(free.usage())).toBe(100 + 10_000 * 10);
  });

  it("is released when it is left, and takes nothing for a signal that has aborted", async () => {
    const budget = createBudget("run", { maxTokens: 1_000 });
    const aborted = openCallBudget({ budget, prices, model, need, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    {
      await using call = await openCallBudget({ budget, prices, model, need });
      expect(budget.reserved.tokens).toBe(150);
      expect(call.watch(text(1))).toBe("go");
    }
    expect([budget.spent, budget.reserved]).toEqual([nothing, nothing]);
  });
});

function lazily(reservation: Reservation): Reservation {
  return {
    get amount() {
      return reservation.amount;
    },
    grow: async (by) => reservation.grow(by),
    settle: (spent) => reservation.settle(spent),
    release: () => reservation.release(),
  };
}
