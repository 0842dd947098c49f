import type { Amount, Budget, BudgetLimits, Reservation, ReserveOptions } from "./budget.ts";
import { type AtlasError, baseErrors } from "./errors.ts";

/** Says what a scope has not enough of. Units: tokens, or millionths of a US dollar, by `kind`. */
export interface BudgetShortage {
  readonly scope: string;
  readonly kind: "tokens" | "money";
  readonly limit: number;
  readonly left: number;
  readonly asked: number;
}

/** Are the options of `createBudget`. `above` is a budget of another kind, such as a durable one, in which all of this one counts too. */
export interface BudgetOptions {
  readonly above?: Budget | undefined;
}

/** One scope of the tree: pure sums. */
interface Scope {
  readonly name: string;
  readonly limits: BudgetLimits;
  readonly parent: Scope | undefined;
  spent: Amount;
  reserved: Amount;
}

const nothing: Amount = { tokens: 0, costMicroUsd: 0 };
const unlimited: Amount = { tokens: Infinity, costMicroUsd: Infinity };

/**
 * Makes the root of a tree of budgets that lives in memory. What is asked of a scope is checked and taken in all scopes at
 * once, without a wait between, so that calls at the same time cannot take the same amount twice.
 *
 * Errors: invalid_input for a limit that is no whole number from 0 on.
 */
export function createBudget(name: string, limits: BudgetLimits = {}, { above }: BudgetOptions = {}): Budget {
  return new TreeBudget(scopeOf(name, limits, undefined), above);
}

/** Makes the error of a budget that has not enough left. */
export function budgetExceeded(shortage: BudgetShortage): AtlasError {
  const { scope, kind, limit, left, asked } = shortage;
  const show = (amount: number): string => (kind === "tokens" ? `${amount} tokens` : `$${amount / 1_000_000}`);
  return baseErrors.create(
    "budget_exceeded",
    `The budget ${scope} has ${show(left)} left of ${show(limit)}; ${show(asked)} were asked for.`,
    { details: { scope, kind, limit, left, asked } },
  );
}

/** Tells what of an amount does not fit beside what is already used, if anything does not. */
export function shortageOf(
  scope: { readonly name: string; readonly limits: BudgetLimits },
  used: Amount,
  asked: Amount,
): BudgetShortage | undefined {
  const { maxTokens = Infinity, maxCostMicroUsd = Infinity } = scope.limits;
  // What asks for nothing of a kind is not held up by it, even where more was spent than the limit.
  if (asked.tokens > 0 && used.tokens + asked.tokens > maxTokens) {
    const left = Math.max(0, maxTokens - used.tokens);
    return { scope: scope.name, kind: "tokens", limit: maxTokens, left, asked: asked.tokens };
  }
  if (asked.costMicroUsd > 0 && used.costMicroUsd + asked.costMicroUsd > maxCostMicroUsd) {
    const left = Math.max(0, maxCostMicroUsd - used.costMicroUsd);
    return { scope: scope.name, kind: "money", limit: maxCostMicroUsd, left, asked: asked.costMicroUsd };
  }
  return undefined;
}

/** Adds two amounts; `times` -1 takes the second away. */
export function addAmounts(first: Amount, second: Amount, times: 1 | -1 = 1): Amount {
  return {
    tokens: first.tokens + times * second.tokens,
    costMicroUsd: first.costMicroUsd + times * second.costMicroUsd,
  };
}

/** Gives what limits leave beside what is used; Infinity where nothing is limited. */
export function leftOf({ maxTokens = Infinity, maxCostMicroUsd = Infinity }: BudgetLimits, used: Amount): Amount {
  return {
    tokens: Math.max(0, maxTokens - used.tokens),
    costMicroUsd: Math.max(0, maxCostMicroUsd - used.costMicroUsd),
  };
}

/** Checks an amount. Errors: invalid_input when a part of it is no whole number from 0 on. */
export function checkAmount(amount: Amount): void {
  checkWhole("tokens", amount.tokens);
  checkWhole("costMicroUsd", amount.costMicroUsd);
}

/** Checks limits. Errors: invalid_input when one that is set is no whole number from 0 on. */
export function checkLimits({ maxTokens, maxCostMicroUsd }: BudgetLimits): void {
  if (maxTokens !== undefined) checkWhole("maxTokens", maxTokens);
  if (maxCostMicroUsd !== undefined) checkWhole("maxCostMicroUsd", maxCostMicroUsd);
}

function checkWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw baseErrors.create("invalid_input", `${name} of a budget is ${value}; it must be a whole number from 0 on.`, {
    details: { name, value: String(value) },
  });
}

function scopeOf(name: string, limits: BudgetLimits, parent: Scope | undefined): Scope {
  checkLimits(limits);
  return { name, limits, parent, spent: nothing, reserved: nothing };
}

class TreeBudget implements Budget {
  readonly name: string;
  readonly limits: BudgetLimits;
  readonly #scope: Scope;
  readonly #above: Budget | undefined;

  constructor(scope: Scope, above: Budget | undefined) {
    this.name = scope.name;
    this.limits = scope.limits;
    this.#scope = scope;
    this.#above = above;
  }

  get spent(): Amount {
    return this.#scope.spent;
  }

  get reserved(): Amount {
    return this.#scope.reserved;
  }

  get left(): Amount {
    let left = this.#above?.left ?? unlimited;
    for (let at: Scope | undefined = this.#scope; at !== undefined; at = at.parent)
      if (isLimited(at)) left = lesserAmount(left, leftOf(at.limits, addAmounts(at.spent, at.reserved)));
    return left;
  }

  async reserve(amount: Amount, options: ReserveOptions = {}): Promise<Reservation> {
    options.signal?.throwIfAborted();
    checkAmount(amount);
    const scope = this.#scope;
    const shortage = take(scope, amount);
    if (shortage !== undefined) throw budgetExceeded(shortage);
    try {
      const above = this.#above;
      return new TreeReservation(scope, amount, above && (await above.reserve(amount, options)));
    } catch (cause) {
      giveBack(scope, amount);
      throw cause;
    }
  }

  child(name: string, limits: BudgetLimits = {}): Budget {
    return new TreeBudget(scopeOf(name, limits, this.#scope), this.#above);
  }
}

class TreeReservation implements Reservation {
  readonly #scope: Scope;
  readonly #above: Reservation | undefined;
  #amount: Amount;
  #ended = false;
  /** How it ended, for the budget above: what that could not write is written by the next call, which changes nothing else. */
  #endAbove: (() => Promise<void> | undefined) | undefined;

  constructor(scope: Scope, amount: Amount, above: Reservation | undefined) {
    this.#scope = scope;
    this.#amount = amount;
    this.#above = above;
  }

  get amount(): Amount {
    return this.#amount;
  }

  grow(by: Amount): boolean | Promise<boolean> {
    checkAmount(by);
    if (this.#ended || take(this.#scope, by) !== undefined) return false;
    const grown = this.#above?.grow(by) ?? true;
    return typeof grown === "boolean"
      ? this.#settleGrowth(by, grown)
      : grown.then(
          (answer) => this.#settleGrowth(by, answer),
          (cause: unknown) => {
            giveBack(this.#scope, by);
            throw cause;
          },
        );
  }

  async settle(spent: Amount): Promise<void> {
    checkAmount(spent);
    if (this.#end()) {
      for (let at: Scope | undefined = this.#scope; at !== undefined; at = at.parent)
        at.spent = addAmounts(at.spent, spent);
      this.#endAbove = () => this.#above?.settle(spent);
    }
    await this.#endAbove?.();
  }

  async release(): Promise<void> {
    if (this.#end()) this.#endAbove = () => this.#above?.release();
    await this.#endAbove?.();
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    giveBack(this.#scope, this.#amount);
    return true;
  }

  #settleGrowth(by: Amount, grown: boolean): boolean {
    // It may have ended while the budget above was asked: then its own part was not given back yet.
    if (!grown || this.#ended) giveBack(this.#scope, by);
    else this.#amount = addAmounts(this.#amount, by);
    return grown && !this.#ended;
  }
}

function take(scope: Scope, amount: Amount): BudgetShortage | undefined {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const shortage = isLimited(at) ? shortageOf(at, addAmounts(at.spent, at.reserved), amount) : undefined;
    if (shortage !== undefined) return shortage;
  }
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent)
    at.reserved = addAmounts(at.reserved, amount);
  return undefined;
}

function giveBack(scope: Scope, amount: Amount): void {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent)
    at.reserved = addAmounts(at.reserved, amount, -1);
}

function isLimited({ limits: { maxTokens, maxCostMicroUsd } }: Scope): boolean {
  return maxTokens !== undefined || maxCostMicroUsd !== undefined;
}

/** Gives of each kind the lesser of two amounts. */
export function lesserAmount(first: Amount, second: Amount): Amount {
  return {
    tokens: Math.min(first.tokens, second.tokens),
    costMicroUsd: Math.min(first.costMicroUsd, second.costMicroUsd),
  };
}
