import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Amount, Budget, Reservation } from "./budget.ts";
import { createBudget } from "./budget-tree.ts";
import { baseErrors } from "./errors.ts";

const amount = (tokens: number, costMicroUsd = 0): Amount => ({ tokens, costMicroUsd });
const nothing = amount(0);

async function tryReserve(budget: Budget, asked: Amount): Promise<Reservation | undefined> {
  try {
    return await budget.reserve(asked);
  } catch (error) {
    expect(baseErrors.is(error, "budget_exceeded")).toBe(true);
    return undefined;
  }
}

describe("a reservation", () => {
  it("passes exactly as often as it fits, however many ask at once (acceptance 15)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          limit: fc.nat(10_000),
          size: fc.integer({ min: 1, max: 500 }),
          callers: fc.integer({ min: 1, max: 60 }),
          kind: fc.constantFrom("tokens", "money"),
        }),
        async ({ limit, size, callers, kind }) => {
          const money = kind === "money";
          const budget = createBudget("tenant", money ? { maxCostMicroUsd: limit } : { maxTokens: limit });
          const call = budget.child("run").child("agent");
          const asked = money ? amount(0, size) : amount(size);
          const passed = (await Promise.all(Array.from({ length: callers }, () => tryReserve(call, asked)))).filter(
            (reservation) => reservation !== undefined,
          );
          expect(passed).toHaveLength(Math.min(callers, Math.floor(limit / size)));
          await Promise.all(
            passed.map((reservation, index) => (index % 2 ? reservation.release() : reservation.settle(asked))),
          );
          expect(budget.reserved).toEqual(nothing);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("is never left over, negative, or other than the sum of its parts, whatever is done in whatever order (acceptance 15)", async () => {
    const step = fc.record({
      scope: fc.nat(3),
      act: fc.constantFrom("reserve", "grow", "settle", "release"),
      which: fc.nat(9),
      tokens: fc.nat(40),
      cost: fc.nat(40),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const tenant = createBudget("tenant", { maxTokens: 300, maxCostMicroUsd: 300 });
        const runs = [tenant.child("a", { maxTokens: 100 }), tenant.child("b"), tenant.child("c", { maxTokens: 0 })];
        const scopes = [...runs, runs[1]?.child("call", { maxCostMicroUsd: 90 }) ?? tenant];
        const open: Reservation[] = [];
        for (const { scope, act, which, tokens, cost } of steps) {
          const chosen = open[which % Math.max(1, open.length)];
          if (act === "reserve") {
            const made = await tryReserve(scopes[scope] ?? tenant, amount(tokens, cost));
            if (made) open.push(made);
          } else if (act === "grow") await chosen?.grow(amount(tokens, cost));
          else if (act === "settle") await chosen?.settle(amount(tokens, cost));
          else await chosen?.release();
          for (const kind of ["tokens", "costMicroUsd"] as const) {
            for (const budget of [tenant, ...scopes]) {
              expect(Math.min(budget.spent[kind], budget.reserved[kind], budget.left[kind])).toBeGreaterThanOrEqual(0);
            }
            for (const of of ["spent", "reserved"] as const) {
              expect(tenant[of][kind]).toBe(runs.reduce((sum, run) => sum + run[of][kind], 0));
            }
          }
        }
        for (const reservation of open) await reservation.release();
        expect(tenant.reserved).toEqual(nothing);
      }),
      { numRuns: 300 },
    );
  });

  it("is made in all scopes or in none", async () => {
    const tenant = createBudget("tenant", { maxTokens: 50 });
    const run = tenant.child("run", { maxTokens: 100 });
    await run.reserve(amount(40));
    await expect(run.reserve(amount(20))).rejects.toMatchObject({
      code: "budget_exceeded",
      details: { scope: "tenant", kind: "tokens", limit: 50, left: 10, asked: 20 },
    });
    expect([run.reserved, tenant.reserved]).toEqual([amount(40), amount(40)]);
    expect(run.left).toEqual({ tokens: 10, costMicroUsd: Infinity });
  });

  it("may be settled with more than was set aside, which is then the truth", async () => {
    const run = createBudget("run", { maxTokens: 10, maxCostMicroUsd: 5_000_000 });
    const reservation = await run.reserve(amount(10, 1));
    await reservation.settle(amount(25, 7));
    expect([run.spent, run.reserved, run.left.tokens]).toEqual([amount(25, 7), nothing, 0]);
    await expect(run.reserve(amount(0, 6_000_000))).rejects.toThrow(
      "The budget run has $4.999993 left of $5; $6 were asked for.",
    );
    // Tokens are used up; what needs none may still pass.
    await expect(run.reserve(amount(0, 1))).resolves.toBeDefined();
  });

  it("ends once: what is said after that changes nothing", async () => {
    const run = createBudget("run");
    const reservation = await run.reserve(amount(10));
    expect(reservation.grow(amount(5))).toBe(true);
    expect(reservation.amount).toEqual(amount(15));
    await reservation.settle(amount(12));
    await reservation.settle(amount(99));
    await reservation.release();
    expect(reservation.grow(amount(1))).toBe(false);
    expect([run.spent, run.reserved]).toEqual([amount(12), nothing]);
  });

  it("is not made for a signal that has aborted, nor for an amount that is none", async () => {
    const run = createBudget("run");
    await expect(run.reserve(amount(1), { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    for (const wrong of [amount(-1), amount(0.5), amount(0, Number.NaN)]) {
      await expect(run.reserve(wrong)).rejects.toMatchObject({ code: "invalid_input" });
    }
    expect(() => createBudget("run", { maxTokens: -1 })).toThrow("must be a whole number from 0 on");
    expect(run.reserved).toEqual(nothing);
  });
});

describe("a budget above", () => {
  it("counts all of it, and what it refuses is taken nowhere", async () => {
    const above = createBudget("day", { maxTokens: 100 });
    const run = createBudget("run", { maxTokens: 1_000 }, { above });
    const reservation = await run.child("call").reserve(amount(60));
    await expect(run.reserve(amount(60))).rejects.toMatchObject({ details: { scope: "day" } });
    expect([run.reserved, above.reserved, run.left.tokens]).toEqual([amount(60), amount(60), 40]);
    expect(await reservation.grow(amount(50))).toBe(false);
    expect(await reservation.grow(amount(40))).toBe(true);
    expect([run.reserved, above.reserved]).toEqual([amount(100), amount(100)]);
    await reservation.settle(amount(70));
    expect([run.spent, run.reserved, above.spent, above.reserved]).toEqual([amount(70), nothing, amount(70), nothing]);
  });

  it("that answers late finds what ended meanwhile given back", async () => {
    const answer = Promise.withResolvers<boolean>();
    const slow: Budget = {
      ...createBudget("day"),
      reserve: async (asked) => ({
        amount: asked,
        grow: () => answer.promise,
        settle: async () => {},
        release: async () => {},
      }),
    };
    const run = createBudget("run", {}, { above: slow });
    const reservation = await run.reserve(amount(10));
    const grown = reservation.grow(amount(5));
    expect(run.reserved).toEqual(amount(15));
    await reservation.release();
    answer.resolve(true);
    expect(await grown).toBe(false);
    expect(run.reserved).toEqual(nothing);
  });

  it("that fails leaves nothing set aside", async () => {
    const failing: Budget = {
      ...createBudget("day"),
      reserve: async (asked) => {
        if (asked.tokens > 10) throw new Error("disk");
        return {
          amount: asked,
          grow: () => Promise.reject(new Error("disk")),
          settle: async () => {},
          release: async () => {},
        };
      },
    };
    const run = createBudget("run", {}, { above: failing });
    await expect(run.reserve(amount(11))).rejects.toThrow("disk");
    const reservation = await run.reserve(amount(10));
    await expect(reservation.grow(amount(5))).rejects.toThrow("disk");
    expect(run.reserved).toEqual(amount(10));
  });
});
