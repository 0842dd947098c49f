/** Is an amount that budgets count. Units: tokens (input and output together); money in millionths of a US dollar. */
export interface Amount {
  readonly tokens: number;
  readonly costMicroUsd: number;
}

/** Are the limits of one scope; what is not named is not limited. Units: as Amount. */
export interface BudgetLimits {
  readonly maxTokens?: number | undefined;
  readonly maxCostMicroUsd?: number | undefined;
}

/** Are the options of a reservation. `label` names what it is for, such as `provider/model`: budgets that keep books count by it. */
export interface ReserveOptions {
  readonly signal?: AbortSignal | undefined;
  readonly label?: string | undefined;
}

/** Is what a budget has set aside for one call, in its scope and in all scopes above it. */
export interface Reservation {
  readonly amount: Amount;
  /**
   * Sets more aside while the call runs; false, and nothing taken, when some scope has not that much left. A budget in
   * memory answers at once; one that is kept in a database needs a write.
   */
  grow(by: Amount): boolean | Promise<boolean>;
  /** Ends the reservation with what was really spent, which may be more or less. Later calls of either are ignored. */
  settle(spent: Amount): Promise<void>;
  /** Ends the reservation with nothing spent. */
  release(): Promise<void>;
}

/**
 * Is one scope of a tree of budgets: tenant, day, run, agent, call. What a scope spends counts in every scope above it.
 */
export interface Budget {
  readonly name: string;
  readonly limits: BudgetLimits;
  /** What is settled and what is still reserved. */
  readonly spent: Amount;
  readonly reserved: Amount;
  /** What could still be reserved here, by this scope and all above; Infinity where nothing limits it. */
  readonly left: Amount;
  /**
   * Sets an amount aside in this scope and all above it, in all of them or in none.
   *
   * Errors: budget_exceeded, naming the scope that has not that much left.
   */
  reserve(amount: Amount, options?: ReserveOptions): Promise<Reservation>;
  /** Makes a scope below this one. */
  child(name: string, limits?: BudgetLimits): Budget;
}
