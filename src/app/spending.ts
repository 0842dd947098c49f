import type { Budget, BudgetLimits } from "../base/index.ts";
import { createBudget } from "../base/index.ts";
import type { BudgetEntry, Budgets, DurableBudget } from "../providers/index.ts";
import { openBudgets, toMicros } from "../providers/index.ts";
import type { Database } from "../storage/index.ts";
import type { BudgetSettings, Settings } from "./settings-shape.ts";

/** Is one budget of the settings with what is spent of it. Units: tokens; millionths of a US dollar; `left` is null where nothing limits it. */
export type BudgetStatus = {
  readonly scope: "day" | "total";
  readonly spent: { readonly tokens: number; readonly costMicroUsd: number };
  readonly left: { readonly tokens: number | null; readonly costMicroUsd: number | null };
};

/** Keeps what all runs together may spend, over restarts and processes. */
export interface Spending extends AsyncDisposable {
  /** Gives the budget that every run spends from; without limits in the settings it counts in memory alone. */
  budget(): Promise<Budget>;
  /** Tells what is spent and left of each budget of the settings. */
  status(): Promise<readonly BudgetStatus[]>;
  /** Tells what was spent by day, scope and model. Empty where the settings limit nothing. */
  report(days?: { readonly from?: string; readonly to?: string }): Promise<readonly BudgetEntry[]>;
}

interface Opened {
  readonly budgets: Budgets;
  readonly total: DurableBudget;
  readonly day: DurableBudget;
}

/** The one tenant of a program that has no others. */
const tenant = "all-runs";

/** Makes the spending of one Atlas. Cost: nothing is opened before it is asked for, and nothing at all without limits. */
export function createSpending({ budgets: settings }: Settings, database: Database): Spending {
  const limited = settings.day !== undefined || settings.total !== undefined;
  const inMemory = createBudget("all runs");
  let opened: Promise<Opened> | undefined;
  const open = async (): Promise<Opened> => {
    const budgets = await openBudgets({ database });
    const total = await budgets.scope(tenant, { ...limitsOf(settings.total), period: "total" });
    return { budgets, total, day: await total.scope("day", { ...limitsOf(settings.day), period: "day" }) };
  };
  const get = (): Promise<Opened> => {
    opened ??= open();
    opened.catch(() => (opened = undefined));
    return opened;
  };
  return {
    budget: async () => (limited ? (await get()).day : inMemory),
    async status() {
      if (!limited) return [];
      const { total, day } = await get();
      await day.refresh();
      return [statusOf("day", day, settings.day), statusOf("total", total, settings.total)];
    },
    report: async (days) => (limited ? await (await get()).budgets.report(days) : []),
    async [Symbol.asyncDispose]() {
      await (await opened)?.budgets[Symbol.asyncDispose]();
    },
  };
}

function limitsOf({ maxTokens, maxCostUsd }: BudgetSettings = {}): BudgetLimits {
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(maxCostUsd !== undefined && { maxCostMicroUsd: toMicros(maxCostUsd) }),
  };
}

function statusOf(scope: "day" | "total", { spent }: DurableBudget, limits: BudgetSettings | undefined): BudgetStatus {
  const { maxTokens, maxCostMicroUsd } = limitsOf(limits);
  return {
    scope,
    spent: { ...spent },
    left: {
      tokens: maxTokens === undefined ? null : Math.max(0, maxTokens - spent.tokens),
      costMicroUsd: maxCostMicroUsd === undefined ? null : Math.max(0, maxCostMicroUsd - spent.costMicroUsd),
    },
  };
}
