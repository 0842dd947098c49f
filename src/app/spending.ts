import type { Budget, BudgetLimits } from "../base/index.ts";
import { baseErrors, createBudget } from "../base/index.ts";
import type { BudgetEntry, Budgets, DurableBudget } from "../providers/index.ts";
import { openBudgets, toMicros } from "../providers/index.ts";
import type { Database } from "../storage/index.ts";
import { isName } from "./settings-keys.ts";
import type { BudgetSettings, Settings } from "./settings-shape.ts";

/**
 * Is one budget with what is spent of it; `tenant` is null for that of all runs together. Units: tokens; millionths of a US
 * dollar; `left` is null where nothing limits it.
 */
export type BudgetStatus = {
  readonly tenant: string | null;
  readonly scope: "day" | "total";
  readonly spent: { readonly tokens: number; readonly costMicroUsd: number };
  readonly left: { readonly tokens: number | null; readonly costMicroUsd: number | null };
};

/** Is what was spent on one day by the runs of one tenant, or by those of none, on one model. */
export type SpendingEntry = BudgetEntry & { readonly tenant: string | null };

/** Keeps what all runs together may spend, and those of each tenant, over restarts and processes. */
export interface Spending extends AsyncDisposable {
  /**
   * Gives the budget that a run spends from: that of its tenant below that of all runs, or that of all runs. Without limits in
   * the settings it counts in memory alone. Errors: invalid_input for a tenant that is no name.
   */
  budget(tenant?: string): Promise<Budget>;
  /** Tells what is spent and left of the budget of all runs, and of that of each tenant of the settings. */
  status(): Promise<readonly BudgetStatus[]>;
  /** Tells what was spent by day, scope and model. Empty where the settings limit nothing. */
  report(days?: { readonly from?: string; readonly to?: string }): Promise<readonly SpendingEntry[]>;
}

/** Are two scopes, the day below the total. */
interface Scopes {
  readonly total: DurableBudget;
  readonly day: DurableBudget;
}

interface Opened extends Scopes {
  readonly budgets: Budgets;
}

interface PeriodLimits {
  readonly day?: BudgetSettings;
  readonly total?: BudgetSettings;
}

/** The scope that is above all others. */
const everything = "all-runs";

/**
 * Makes the spending of one Atlas. Where anything is limited, the scopes of all runs are there with or without limits of their
 * own, and so are those of a tenant that runs: what they count stays theirs when limits are set, changed or taken away.
 *
 * Cost: nothing is opened before it is asked for, and nothing at all without limits.
 */
export function createSpending({ budgets: common, tenants }: Settings, database: Database): Spending {
  const limitsFor = (tenant: string): PeriodLimits =>
    (Object.hasOwn(tenants, tenant) ? tenants[tenant]?.budgets : undefined) ?? {};
  const limited = [common, ...Object.keys(tenants).map(limitsFor)].some(({ day, total }) => day ?? total);
  const inMemory = createBudget("all runs");
  let opened: Promise<Opened> | undefined;
  const open = async (): Promise<Opened> => {
    const budgets = await openBudgets({ database });
    return { budgets, ...(await openScopes(budgets, everything, common)) };
  };
  const get = (): Promise<Opened> => {
    opened ??= open();
    opened.catch(() => (opened = undefined));
    return opened;
  };
  const ofTenant = async (tenant: string): Promise<Scopes> =>
    await openScopes((await get()).day, tenant, limitsFor(tenant));
  return {
    async budget(tenant) {
      if (tenant !== undefined) checkTenant(tenant);
      if (!limited) return inMemory;
      return tenant === undefined ? (await get()).day : (await ofTenant(tenant)).day;
    },
    async status() {
      if (!limited) return [];
      const all = await get();
      await all.day.refresh();
      const found = [...statusOf(null, all, common)];
      for (const tenant of Object.keys(tenants).toSorted())
        found.push(...statusOf(tenant, await ofTenant(tenant), limitsFor(tenant)));
      return found;
    },
    async report(days) {
      if (!limited) return [];
      const entries = await (await get()).budgets.report(days);
      return entries.map((entry) => ({ ...entry, tenant: entry.scope.split("/")[2] ?? null }));
    },
    async [Symbol.asyncDispose]() {
      await (await opened)?.budgets[Symbol.asyncDispose]();
    },
  };
}

/** Checks the name of a tenant. Errors: invalid_input. */
export function checkTenant(tenant: string): void {
  if (isName(tenant)) return;
  throw baseErrors.create(
    "invalid_input",
    `The tenant ${JSON.stringify(tenant.slice(0, 80))} is no name; use 1 to 64 letters, digits, _ and -.`,
  );
}

async function openScopes(above: Pick<DurableBudget, "scope">, name: string, limits: PeriodLimits): Promise<Scopes> {
  const total = await above.scope(name, { ...limitsOf(limits.total), period: "total" });
  return { total, day: await total.scope("day", { ...limitsOf(limits.day), period: "day" }) };
}

function limitsOf({ maxTokens, maxCostUsd }: BudgetSettings = {}): BudgetLimits {
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(maxCostUsd !== undefined && { maxCostMicroUsd: toMicros(maxCostUsd) }),
  };
}

function statusOf(tenant: string | null, scopes: Scopes, limits: PeriodLimits): readonly BudgetStatus[] {
  return (["day", "total"] as const).map((scope) => {
    const { spent } = scopes[scope];
    const { maxTokens, maxCostMicroUsd } = limitsOf(limits[scope]);
    return {
      tenant,
      scope,
      spent: { ...spent },
      left: {
        tokens: maxTokens === undefined ? null : Math.max(0, maxTokens - spent.tokens),
        costMicroUsd: maxCostMicroUsd === undefined ? null : Math.max(0, maxCostMicroUsd - spent.costMicroUsd),
      },
    };
  });
}
