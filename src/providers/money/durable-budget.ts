import {
  addAmounts,
  type Amount,
  baseErrors,
  type Budget,
  budgetExceeded,
  type BudgetLimits,
  checkAmount,
  checkLimits,
  type Clock,
  createBudget,
  leftOf,
  lesserAmount,
  newId,
  type Reservation,
  type ReserveOptions,
  shortageOf,
  systemClock,
} from "../../base/index.ts";
import type { Database } from "../../storage/index.ts";
import { budgetMigrations } from "./budget-schema.ts";
import {
  type BudgetEntry,
  BudgetStore,
  type ScopePeriod,
  type ScopeSums,
  type Settlement,
  type StoredReservation,
} from "./budget-store.ts";

/** Are the limits of a durable scope. `day` starts anew each day; `total` never does. */
export interface DurableLimits extends BudgetLimits {
  readonly period: "day" | "total";
}

/**
 * Is a scope that survives restarts and is shared by all processes on its database. What it shows of itself is as of the
 * last time that this process read or wrote it; what it lets through is decided by the database. Its children live in memory.
 */
export interface DurableBudget extends Budget {
  readonly limits: DurableLimits;
  /** Makes a durable scope below this one. */
  scope(name: string, limits: DurableLimits): Promise<DurableBudget>;
  /** Reads the sums again. */
  refresh(): Promise<void>;
}

/** Are the budgets of a database. Disposing of them gives back what this process still has set aside. */
export interface Budgets extends AsyncDisposable {
  /** Opens a scope, such as that of a tenant. Errors: invalid_input for a name that is empty or has a slash. */
  scope(name: string, limits: DurableLimits): Promise<DurableBudget>;
  /** Tells what was spent from one day to another, both included, by day, scope and model. Shape: days as 2026-11-21. */
  report(days?: { readonly from?: string; readonly to?: string }): Promise<readonly BudgetEntry[]>;
}

/** Are the options of `openBudgets`. Units: `dayOffsetMinutes` east of UTC (default 0), so that a day begins at midnight there. */
export interface BudgetsOptions {
  readonly database: Database;
  readonly clock?: Clock | undefined;
  readonly dayOffsetMinutes?: number | undefined;
}

interface Shared {
  readonly store: BudgetStore;
  readonly owner: string;
  readonly clock: Clock;
  readonly today: () => string;
  /** The sums of each scope in its last known period. */
  readonly known: Map<string, { readonly period: string; readonly sums: ScopeSums }>;
  /** Ends of reservations that the database refused to write, to be written before what is left is given back. */
  readonly unwritten: Set<() => Promise<void>>;
}

const nothing: Amount = { tokens: 0, costMicroUsd: 0 };
const noSums: ScopeSums = { spent: nothing, reserved: nothing };
/** Of how many scopes the sums are kept in mind to be shown, those last used. What passes is never decided by them. */
const maxKnown = 10_000;
/** How often others may be faster, one after the other, before it is taken for a fault. */
const maxTries = 10;

/** Does what `openBudgets` says. */
export async function createDurableBudgets(options: BudgetsOptions): Promise<Budgets> {
  const { database, clock = systemClock, dayOffsetMinutes = 0 } = options;
  await database.migrate("budgets", budgetMigrations);
  const known: Shared["known"] = new Map();
  const today = (): string => new Date(clock.now() + dayOffsetMinutes * 60_000).toISOString().slice(0, 10);
  const store = new BudgetStore(database, clock, ({ scope, period }, sums) => {
    // A call that began yesterday ends in yesterday's sums, which say nothing of today's.
    if (period !== "total" && period !== today()) return;
    known.delete(scope);
    known.set(scope, { period, sums });
    for (const oldest of known.keys()) {
      if (known.size <= maxKnown) break;
      known.delete(oldest);
    }
  });
  const owner = newId("own", { clock });
  const lock = await database.lock(owner);
  const reclaimed = store.reclaim(owner);
  if (!database.capabilities.shared) await reclaimed;
  else reclaimed.catch(() => {});
  const unwritten: Shared["unwritten"] = new Set();
  const shared: Shared = { store, owner, clock, today, known, unwritten };
  return {
    scope: (name, limits) => openScope(shared, { name, limits, parent: undefined }),
    report: ({ from = "", to = "9999-12-31" } = {}) => store.entries(from, to),
    async [Symbol.asyncDispose]() {
      try {
        await Promise.all([...unwritten].map((write) => write()));
        await store.releaseAll(owner);
      } finally {
        await lock?.[Symbol.asyncDispose]();
      }
    },
  };
}

interface ScopeNode {
  readonly name: string;
  readonly limits: DurableLimits;
  readonly parent: ScopeNode | undefined;
}

async function openScope(shared: Shared, node: ScopeNode): Promise<DurableBudget> {
  checkLimits(node.limits);
  if (node.name.trim() === "" || node.name.includes("/")) {
    throw baseErrors.create(
      "invalid_input",
      `A budget needs a name without a slash; it is ${JSON.stringify(node.name)}.`,
    );
  }
  const { store, known } = shared;
  const places = (): readonly ScopePeriod[] => chainOf(node, shared.today());
  const sumsAt = (at: ScopePeriod | undefined): ScopeSums => {
    const last = known.get(at?.scope ?? "");
    return last !== undefined && last.period === at?.period ? last.sums : noSums;
  };
  const budget: DurableBudget = {
    name: node.name,
    limits: node.limits,
    get spent() {
      return sumsAt(places()[0]).spent;
    },
    get reserved() {
      return sumsAt(places()[0]).reserved;
    },
    get left() {
      return places().reduce(
        (left, at) => lesserAmount(left, leftOf(at.limits, used(sumsAt(at)))),
        leftOf({}, nothing),
      );
    },
    reserve: (amount, options = {}) => reserve(shared, places(), { amount, options }),
    child: (name, limits = {}) => createBudget(name, limits, { above: budget }),
    scope: (name, limits) => openScope(shared, { name, limits, parent: node }),
    async refresh() {
      for (const at of places()) await store.load(at);
    },
  };
  await budget.refresh();
  return budget;
}

interface Asked {
  readonly amount: Amount;
  readonly options: ReserveOptions;
}

async function reserve(shared: Shared, scopes: readonly ScopePeriod[], asked: Asked): Promise<Reservation> {
  const { amount, options } = asked;
  options.signal?.throwIfAborted();
  checkAmount(amount);
  const { store, owner, clock } = shared;
  const stored: StoredReservation = { id: newId("res", { clock }), owner, scopes };
  await insist(shared, scopes, { amount, signal: options.signal, take: () => store.reserve(stored, amount) });
  if (options.signal?.aborted === true) {
    await store.end(stored);
    options.signal.throwIfAborted();
  }
  return reservationOf(shared, stored, asked);
}

interface Attempted {
  readonly amount: Amount;
  readonly signal: AbortSignal | undefined;
  readonly take: () => Promise<boolean>;
}

/** Takes an amount, once more where what dead processes held makes room for it. Errors: budget_exceeded. */
async function insist(shared: Shared, scopes: readonly ScopePeriod[], work: Attempted): Promise<void> {
  const { store, owner, clock } = shared;
  for (let tries = 0; tries < maxTries; tries++) {
    if (await work.take()) return;
    if ((await store.reclaim(owner)) > 0) continue;
    const { lostInMs } = store;
    if (lostInMs !== undefined) {
      await clock.sleep(lostInMs, { signal: work.signal });
      continue;
    }
    for (const at of scopes) {
      const shortage = shortageOf({ name: at.scope, limits: at.limits }, used(await store.load(at)), work.amount);
      if (shortage !== undefined) throw budgetExceeded(shortage);
    }
  }
  throw baseErrors.create(
    "internal_error",
    `The budget ${scopes[0]?.scope} could not be reserved in ${maxTries} tries.`,
  );
}

function reservationOf(shared: Shared, stored: StoredReservation, asked: Asked): Reservation {
  const { store, owner, unwritten } = shared;
  // A call counts on the day on which it began, in the sums as in the book.
  const day = shared.today();
  const label = asked.options.label ?? "";
  let { amount } = asked;
  let ended: Promise<void> | undefined;
  let settlement: Settlement | undefined;
  const end = async (spent?: Amount): Promise<void> => {
    // What was spent stays spent: a release that follows a settlement which could not be written tries to write it.
    if (spent !== undefined) settlement ??= { spent, day, label };
    ended ??= store.end(stored, settlement).then(
      () => void unwritten.delete(end),
      (error: unknown) => {
        // Not written is not ended: it may be tried again.
        ended = undefined;
        unwritten.add(end);
        throw error;
      },
    );
    await ended;
  };
  return {
    get amount() {
      return amount;
    },
    async grow(by) {
      checkAmount(by);
      if (ended !== undefined) return false;
      const grown = await store.grow(stored, by);
      if (!grown && !((await store.reclaim(owner)) > 0 && (await store.grow(stored, by)))) return false;
      amount = addAmounts(amount, by);
      return true;
    },
    async settle(spent) {
      checkAmount(spent);
      await end(spent);
    },
    release: () => end(),
  };
}

/** Gives a scope and those above it, each in its period of now, the innermost first. */
function chainOf(node: ScopeNode, today: string): readonly ScopePeriod[] {
  const above = node.parent === undefined ? [] : chainOf(node.parent, today);
  const scope = above[0] === undefined ? node.name : `${above[0].scope}/${node.name}`;
  return [{ scope, period: node.limits.period === "day" ? today : "total", limits: node.limits }, ...above];
}

function used({ spent, reserved }: ScopeSums): Amount {
  return addAmounts(spent, reserved);
}
