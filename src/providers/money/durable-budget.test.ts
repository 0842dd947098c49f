import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Amount, Budget, Reservation } from "../../base/index.ts";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { postgres } from "../../storage/adapters/postgres.ts";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import { type Database, storageErrors } from "../../storage/index.ts";
import { manualClock } from "../../testing/index.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import { scripted } from "../scripted.ts";
import { budgeted } from "./budgeted.ts";
import type { Budgets } from "./durable-budget.ts";
import { openBudgets } from "./open-budgets.ts";
import { createPrices, noPriceTable } from "./prices.ts";

const amount = (tokens: number, costMicroUsd = 0): Amount => ({ tokens, costMicroUsd });
const nothing = amount(0);
const noon = Date.parse("2026-11-21T12:00:00Z");
const stack: AsyncDisposableStack[] = [];

afterEach(async () => {
  for (const each of stack.splice(0)) await each.disposeAsync();
});

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgres()));
afterAll(async () => await server[Symbol.asyncDispose]());

const kinds = {
  async sqlite() {
    const folder = mkdtempSync(join(tmpdir(), "atlas-budget-"));
    const cleaning = new AsyncDisposableStack();
    stack.push(cleaning);
    cleaning.defer(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "atlas.db");
    return { database: cleaning.use(await sqlite({ path, synchronous: "normal" })), path };
  },
  async postgres() {
    const cleaning = new AsyncDisposableStack();
    stack.push(cleaning);
    const path = await server.createDatabase("budgets");
    return { database: cleaning.use(await postgres({ url: path })), path };
  },
};

async function open(database: Database, clock = manualClock(noon)): Promise<Budgets> {
  return await openBudgets({ database, clock });
}

async function passed(budget: Budget, asked: Amount, count: number): Promise<readonly Reservation[]> {
  const tries = await Promise.allSettled(Array.from({ length: count }, () => budget.reserve(asked)));
  for (const each of tries) {
    if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "budget_exceeded" });
  }
  return tries.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}

describe.each(Object.entries(kinds))("a durable budget on %s", (_, newDatabase) => {
  it("lets exactly as many through at once as fit, and gives back or books what they held (acceptance 15)", async () => {
    const { database } = await newDatabase();
    await using budgets = await open(database);
    let round = 0;
    const input = fc.record({ limit: fc.nat(200), size: fc.integer({ min: 1, max: 30 }), money: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(input, async ({ limit, size, money }) => {
        const limits = money ? { maxCostMicroUsd: limit } : { maxTokens: limit };
        const tenant = await budgets.scope(`tenant-${round++}`, { period: "total", ...limits });
        const run = (await tenant.scope("run", { period: "day" })).child("agent");
        const asked = money ? amount(0, size) : amount(size);
        const held = await passed(run, asked, 12);
        expect(held).toHaveLength(Math.min(12, Math.floor(limit / size)));
        expect(tenant.reserved).toEqual(amount(held.length * asked.tokens, held.length * asked.costMicroUsd));
        await Promise.all(held.map((each, index) => (index % 2 ? each.release() : each.settle(asked))));
        const settled = Math.ceil(held.length / 2);
        expect(tenant.reserved).toEqual(nothing);
        expect(tenant.spent).toEqual(amount(settled * asked.tokens, settled * asked.costMicroUsd));
      }),
      { numRuns: 60 },
    );
  });

  it("survives a restart", async () => {
    const { database } = await newDatabase();
    {
      await using budgets = await open(database);
      const scope = await budgets.scope("acme", { period: "total", maxTokens: 100 });
      await (await scope.reserve(amount(30))).settle(amount(40, 9));
      await scope.reserve(amount(10));
    }
    await using budgets = await open(database);
    const scope = await budgets.scope("acme", { period: "total", maxTokens: 100 });
    expect([scope.spent, scope.reserved, scope.left.tokens]).toEqual([amount(40, 9), nothing, 60]);
    await expect(scope.reserve(amount(61))).rejects.toMatchObject({
      code: "budget_exceeded",
      details: { scope: "acme", kind: "tokens", limit: 100, left: 60, asked: 61 },
    });
  });

  it("starts each day anew, while a call that runs past midnight counts on the day on which it began", async () => {
    const { database } = await newDatabase();
    const clock = manualClock(noon);
    await using budgets = await openBudgets({ database, clock, dayOffsetMinutes: 120 });
    const total = await budgets.scope("acme", { period: "total", maxTokens: 150 });
    const day = await total.scope("day", { period: "day", maxTokens: 100 });
    const late = await day.reserve(amount(90));
    await expect(day.reserve(amount(20))).rejects.toMatchObject({ details: { scope: "acme/day", left: 10 } });
    await clock.advance(9.99 * 3_600_000);
    await expect(day.reserve(amount(20))).rejects.toMatchObject({ code: "budget_exceeded" });
    await clock.advance(0.02 * 3_600_000);
    expect(day.left.tokens).toBe(60);
    expect(await late.grow(amount(5))).toBe(true);
    const early = await day.reserve(amount(20));
    await late.settle(amount(95));
    await early.settle(amount(20));
    expect([day.spent, total.spent, day.reserved]).toEqual([amount(20), amount(115), nothing]);
    expect((await budgets.report()).map(({ day: date, tokens }) => [date, tokens])).toEqual([
      ["2026-11-21", 95],
      ["2026-11-22", 20],
    ]);
  });

  it("grows, settles and releases once, and tells the truth about what was spent", async () => {
    const { database } = await newDatabase();
    await using budgets = await open(database);
    const scope = await budgets.scope("acme", { period: "total", maxTokens: 100 });
    const first = await scope.reserve(amount(50));
    expect(await first.grow(amount(51))).toBe(false);
    expect(await first.grow(amount(50))).toBe(true);
    expect([first.amount.tokens, scope.left.tokens]).toEqual([100, 0]);
    await Promise.all([first.settle(amount(130)), first.settle(amount(7)), first.release()]);
    expect(await first.grow(amount(1))).toBe(false);
    expect([scope.spent, scope.reserved, scope.left.tokens]).toEqual([amount(130), nothing, 0]);
    // What asks for nothing of what is used up passes.
    await (await scope.reserve(amount(0, 5))).settle(amount(0, 5));
    expect(scope.spent).toEqual(amount(130, 5));
  });

  it("books at its end what the database did not take at first, and gives back no part of it", async () => {
    const { database } = await newDatabase();
    let full = false;
    const flaky: Database = {
      ...database,
      write: (statements) =>
        full ? Promise.reject(storageErrors.create("database_full", "The disk is full.")) : database.write(statements),
    };
    {
      await using budgets = await open(flaky);
      const held = await (await budgets.scope("acme", { period: "total", maxTokens: 100 })).reserve(amount(80));
      full = true;
      await expect(held.settle(amount(70))).rejects.toMatchObject({ code: "database_full" });
      await expect(held.release()).rejects.toMatchObject({ code: "database_full" });
      full = false;
    }
    await using later = await open(database);
    const scope = await later.scope("acme", { period: "total", maxTokens: 100 });
    expect([scope.spent, scope.reserved]).toEqual([amount(70), nothing]);
  });

  it("shows the day of now also after the clock was wrong and went back", async () => {
    const { database } = await newDatabase();
    const clock = manualClock(noon);
    let wrongMs = 0;
    await using budgets = await openBudgets({ database, clock: { ...clock, now: () => clock.now() + wrongMs } });
    const day = await budgets.scope("acme", { period: "day", maxTokens: 100 });
    await (await day.reserve(amount(30))).settle(amount(30));
    wrongMs = 24 * 3_600_000;
    await (await day.reserve(amount(5))).settle(amount(5));
    wrongMs = 0;
    await (await day.reserve(amount(10))).settle(amount(10));
    expect([day.spent, day.left.tokens]).toEqual([amount(40), 60]);
  });

  it("stops an answer within one chunk of the limit of the day (acceptance 16)", async () => {
    const { database } = await newDatabase();
    await using budgets = await open(database);
    const tenant = await budgets.scope("acme", { period: "total" });
    const day = await tenant.scope("day", { period: "day", maxCostMicroUsd: 20_000 });
    const overrides = { "scripted/script": { inputPerMillion: 1, outputPerMillion: 10 } };
    const prices = createPrices(noPriceTable, { overrides });
    const text = "x".repeat(40_000);
    const model = budgeted(scripted([text]), day.child("run"), { prices });
    const answer = await generate(model, { messages: [userMessage("Say x.")] });
    expect(answer.finishReason).toBe("budget");
    expect(answer.text.length).toBeLessThan(text.length);
    // A chunk is 16 characters: four tokens at 10.
    expect(day.spent.costMicroUsd).toBeGreaterThan(20_000);
    expect(day.spent.costMicroUsd).toBeLessThanOrEqual(20_000 + 40);
    expect([tenant.spent, tenant.reserved]).toEqual([day.spent, nothing]);
    expect(await budgets.report()).toMatchObject([{ label: "scripted/script", costMicroUsd: day.spent.costMicroUsd }]);
  });

  it("keeps a book by day, scope and model", async () => {
    const { database } = await newDatabase();
    await using budgets = await open(database);
    const acme = await budgets.scope("acme", { period: "total" });
    for (const [label, cost] of [
      ["openai/a", 5],
      ["openai/a", 6],
      ["test/b", 50],
    ] as const) {
      await (await acme.child("run").reserve(amount(10), { label })).settle(amount(3, cost));
    }
    await (await acme.reserve(amount(10), { label: "unused" })).release();
    const day = "2026-11-21";
    expect(await budgets.report({ from: day, to: day })).toEqual([
      { day, scope: "acme", label: "test/b", calls: 1, tokens: 3, costMicroUsd: 50 },
      { day, scope: "acme", label: "openai/a", calls: 2, tokens: 6, costMicroUsd: 11 },
    ]);
    expect(await budgets.report({ from: "2026-11-22" })).toEqual([]);
  });

  it("takes nothing for a signal that has aborted, and refuses names and limits that are none", async () => {
    const { database } = await newDatabase();
    await using budgets = await open(database);
    const scope = await budgets.scope("acme", { period: "day", maxTokens: 10 });
    await expect(scope.reserve(amount(1), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError",
    });
    const stop = new AbortController();
    const reserving = scope.reserve(amount(1), { signal: stop.signal });
    stop.abort();
    await expect(reserving).rejects.toMatchObject({ name: "AbortError" });
    await scope.refresh();
    expect(scope.reserved).toEqual(nothing);
    await expect(scope.reserve(amount(-1))).rejects.toMatchObject({ code: "invalid_input" });
    await expect(budgets.scope("a/b", { period: "day" })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(budgets.scope("a", { period: "day", maxTokens: 0.5 })).rejects.toMatchObject({
      code: "invalid_input",
    });
  });

  it("may be settled again where the first write failed", async () => {
    const { database } = await newDatabase();
    let broken = false;
    const failing: Database = {
      ...database,
      async write(statements) {
        if (broken) throw new Error("disk full");
        return await database.write(statements);
      },
    };
    await using budgets = await open(failing);
    const scope = await budgets.scope("acme", { period: "total" });
    const reservation = await scope.reserve(amount(10));
    broken = true;
    await expect(reservation.settle(amount(8))).rejects.toThrow("disk full");
    broken = false;
    await reservation.settle(amount(8));
    expect([scope.spent, scope.reserved]).toEqual([amount(8), nothing]);
  });
});

const source = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** Is a process that opens the scope, reserves as often as it can, settles what it is told to, says what it has, and stays. */
const program = `
  const { sqlite } = await import(${source("../../storage/adapters/sqlite.ts")});
  const { postgres } = await import(${source("../../storage/adapters/postgres.ts")});
  const { openBudgets } = await import(${source("./open-budgets.ts")});
  const [path, tries, settled] = process.argv.slice(1);
  const budgets = await openBudgets({ database: path.startsWith("postgres:") ? await postgres({ url: path }) : await sqlite({ path }) });
  const scope = await budgets.scope("acme", { period: "total", maxTokens: 1000 });
  const one = { tokens: 10, costMicroUsd: 1 };
  const all = await Promise.allSettled(Array.from({ length: Number(tries) }, () => scope.reserve(one)));
  const held = all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  await Promise.all(held.slice(0, Number(settled)).map((each) => each.settle(one)));
  console.log(held.length);
  const turn = async () => {
    for (;;) await (await scope.reserve(one)).settle({ tokens: 0, costMicroUsd: 1 });
  };
  if (tries === "0") for (let each = 0; each < 8; each++) void turn();
  setInterval(() => {}, 1000);
`;

async function startProcess(
  path: string,
  tries: number,
  settled: number,
): Promise<{ child: ChildProcess; held: number }> {
  const args = ["--input-type=module", "--eval", program, path, String(tries), String(settled)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const cleaning = new AsyncDisposableStack();
  stack.unshift(cleaning);
  cleaning.defer(() => kill(child));
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return { child, held: Number(line) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** Asks until the database has noticed that a process was killed: its server does so when it comes to read the connection. */
async function onceFree(reserve: () => Promise<Reservation>): Promise<Reservation> {
  for (let tries = 0; ; tries++) {
    try {
      return await reserve();
    } catch (error) {
      if (tries === 50) throw error;
      await delay(20);
    }
  }
}

describe.each(Object.entries(kinds))("several processes on one database of %s", (_, newDatabase) => {
  it("never exceed a limit together, and what a killed one held is free while what it spent is kept (acceptance 15)", async () => {
    const { database, path } = await newDatabase();
    const [first, second] = await Promise.all([startProcess(path, 80, 5), startProcess(path, 80, 5)]);
    expect(first.held + second.held).toBe(100);
    await using budgets = await openBudgets({ database });
    const scope = await budgets.scope("acme", { period: "total", maxTokens: 1_000 });
    expect([scope.spent, scope.reserved]).toEqual([amount(100, 10), amount(900, 90)]);
    await expect(scope.reserve(amount(1))).rejects.toMatchObject({ code: "budget_exceeded" });

    await kill(first.child);
    // The refused reservation finds that the owner is gone, and passes.
    const freed = (first.held - 5) * 10;
    const all = await onceFree(() => scope.reserve(amount(freed)));
    await expect(scope.reserve(amount(1))).rejects.toMatchObject({ code: "budget_exceeded" });
    await all.release();
    expect([scope.spent, scope.reserved]).toEqual([amount(100, 10), amount(900 - freed, 90 - freed / 10)]);

    await kill(second.child);
    await using later = await openBudgets({ database });
    const seen = await later.scope("acme", { period: "total", maxTokens: 1_000 });
    await (await onceFree(() => seen.reserve(amount(900)))).release();
    expect([seen.spent, seen.reserved]).toEqual([amount(100, 10), nothing]);
  });

  it("books what an owner spent that was taken for dead and lives, once, and lets it set aside more", async () => {
    const { database } = await newDatabase();
    const clock = manualClock(noon);
    // As when the connection that holds its lock is cut.
    const cut: Database = { ...database, isLocked: async () => false };
    await using alive = await open(database, clock);
    const scope = await alive.scope("acme", { period: "total", maxTokens: 100 });
    const [one, other] = await passed(scope, amount(50), 2);
    await using survivor = await open(cut, clock);
    const seen = await survivor.scope("acme", { period: "total", maxTokens: 100 });
    const waiting = seen.reserve(amount(60));
    if (database.capabilities.shared) {
      await clock.waitForSleepers(1);
      await clock.advance(3_000);
    }
    await (await waiting).release();
    expect(seen.reserved).toEqual(nothing);
    await one?.settle(amount(30));
    await one?.settle(amount(30));
    expect(await other?.grow(amount(20))).toBe(true);
    await seen.refresh();
    expect([seen.spent, seen.reserved]).toEqual([amount(30), amount(20)]);
    await other?.settle(amount(25));
    await seen.refresh();
    expect([seen.spent, seen.reserved]).toEqual([amount(55), nothing]);
  });

  it("that are killed in the middle of their writes leave sums that are true (acceptance 15)", async () => {
    const { database, path } = await newDatabase();
    const both = await Promise.all([startProcess(path, 0, 0), startProcess(path, 0, 0)]);
    await using watching = await openBudgets({ database });
    const seen = await watching.scope("acme", { period: "total", maxTokens: 1_000 });
    for (const { child } of both) {
      const before = seen.spent.costMicroUsd;
      while (seen.spent.costMicroUsd < before + 20) await seen.refresh();
      await kill(child);
    }
    // All of the limit can be had: nothing of what the two held is left over.
    await (await onceFree(() => seen.reserve(amount(1_000)))).release();
    const [entry] = await watching.report();
    expect(seen.reserved).toEqual(nothing);
    expect(entry).toMatchObject({ calls: seen.spent.costMicroUsd, costMicroUsd: seen.spent.costMicroUsd });
  });
});
