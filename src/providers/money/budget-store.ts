import type { Amount, BudgetLimits, Clock } from "../../base/index.ts";
import { newId } from "../../base/index.ts";
import type { Database, Row, Statement, StatementResult } from "../../storage/index.ts";
import { storageErrors } from "../../storage/index.ts";

/** Names the sums that a reservation counts in: a scope in one of its periods, with its limits. */
export interface ScopePeriod {
  readonly scope: string;
  readonly period: string;
  readonly limits: BudgetLimits;
}

/** Are the sums of a scope in a period. */
export interface ScopeSums {
  readonly spent: Amount;
  readonly reserved: Amount;
}

/** Is what is set aside, as it is stored. Order: of `scopes`, the innermost first. */
export interface StoredReservation {
  readonly id: string;
  readonly owner: string;
  readonly scopes: readonly ScopePeriod[];
}

/** Is how a reservation ends: with what was spent and where that is booked, or with nothing. */
export interface Settlement {
  readonly spent: Amount;
  readonly day: string;
  readonly label: string;
}

/** Is one line of the book. Units: `day` as 2026-11-21; money in millionths of a US dollar. */
export interface BudgetEntry extends Amount {
  readonly day: string;
  readonly scope: string;
  /** Names what was paid for, such as `provider/model`. */
  readonly label: string;
  readonly calls: number;
}

/** Owns what was taken back from one that was taken for dead: if it lives after all, it still books what it spends. */
const nobody = "";
/** On a database that machines share, a lock may be free because a connection was lost. How long it must be free until its owner counts as dead. */
const lostAfterMs = 3_000;
const keepLostMs = 86_400_000;

/** Tells of sums that were read or written. */
export type SeeSums = (at: ScopePeriod, sums: ScopeSums) => void;

/**
 * Writes and reads the tables of durable budgets. Each change is one transaction, which checks and changes all its scopes.
 * What is not limited is passed as the largest whole number.
 */
export class BudgetStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #see: SeeSums;
  /** Since when the lock of an owner was seen to be free. */
  readonly #free = new Map<string, number>();
  #reclaiming: Promise<number> | undefined;

  constructor(database: Database, clock: Clock, see: SeeSums) {
    this.#database = database;
    this.#clock = clock;
    this.#see = see;
  }

  /** Sets an amount aside in all scopes; false when some scope has not that much left. */
  async reserve({ id, owner, scopes }: StoredReservation, amount: Amount): Promise<boolean> {
    const places = JSON.stringify(scopes.map(({ scope, period }) => [scope, period]));
    return await this.#take(scopes, amount, {
      sql: "INSERT INTO budget_reservation(id, owner, scopes, tokens, cost) VALUES(?, ?, ?, ?, ?)",
      params: [id, owner, places, amount.tokens, amount.costMicroUsd],
    });
  }

  /** Sets more aside for a reservation; false when some scope has not that much left, or the reservation has ended. */
  async grow({ id, owner, scopes }: StoredReservation, by: Amount): Promise<boolean> {
    return await this.#take(scopes, by, {
      sql: "UPDATE budget_reservation SET owner = ?4, tokens = tokens + ?2, cost = cost + ?3 WHERE id = ?1",
      params: [id, by.tokens, by.costMicroUsd, owner],
      expectRows: 1,
    });
  }

  /** Ends a reservation; false when it had ended before. */
  async end({ id, scopes }: Omit<StoredReservation, "owner">, settlement?: Settlement): Promise<boolean> {
    const sums = scopes.map((at) => givenBack(id, at, settlement?.spent));
    const book = settlement === undefined ? [] : [entryStatement(scopes[0]?.scope ?? "", settlement)];
    const last = { sql: "DELETE FROM budget_reservation WHERE id = ?", params: [id], expectRows: 1 };
    return await this.#write(scopes, [...sums, ...book, last]);
  }

  /** Reads the sums of a scope in a period. */
  async load(at: ScopePeriod): Promise<ScopeSums> {
    const rows = await this.#database.read({
      sql: `SELECT spent_tokens, spent_cost, reserved_tokens, reserved_cost FROM budget_scope
        WHERE scope = ? AND period = ?`,
      params: [at.scope, at.period],
    });
    const sums = sumsOf(rows[0]);
    this.#see(at, sums);
    return sums;
  }

  /** In how long an owner whose lock is free counts as dead; undefined when there is none. Units: milliseconds. */
  get lostInMs(): number | undefined {
    const since = Math.min(...this.#free.values());
    return since === Infinity ? undefined : Math.max(0, since + lostAfterMs - this.#clock.monotonic());
  }

  /**
   * Gives back what owners that live no more had set aside; tells how many reservations that were. Calls at the same time
   * share the answer. Cost: where all are alive, one read and one look at the lock of each.
   */
  async reclaim(own: string): Promise<number> {
    this.#reclaiming ??= this.#reclaim(own).finally(() => {
      this.#reclaiming = undefined;
    });
    return await this.#reclaiming;
  }

  /** Gives back all that an owner still has set aside; tells how many reservations that were. */
  async releaseAll(owner: string): Promise<number> {
    let count = 0;
    for (const reservation of await this.#reservationsOf(owner)) if (await this.end(reservation)) count++;
    return count;
  }

  async #reclaim(own: string): Promise<number> {
    const before = newId("res", { clock: { ...this.#clock, now: () => this.#clock.now() - keepLostMs } });
    const sql = "SELECT DISTINCT owner FROM budget_reservation WHERE owner NOT IN (?, ?)";
    const owners = (await this.#database.read({ sql, params: [own, nobody] })).map((row) => String(row["owner"]));
    for (const owner of this.#free.keys()) if (!owners.includes(owner)) this.#free.delete(owner);
    let count = 0;
    for (const owner of owners) if (await this.#isDead(owner)) count += await this.#takeBack(owner);
    const forget = "DELETE FROM budget_reservation WHERE owner = ? AND id < ?";
    if (count > 0) await this.#database.write([{ sql: forget, params: [nobody, before] }]);
    return count;
  }

  async #isDead(owner: string): Promise<boolean> {
    if (await this.#database.isLocked(owner)) {
      this.#free.delete(owner);
      return false;
    }
    if (!this.#database.capabilities.shared) return true;
    const now = this.#clock.monotonic();
    const since = this.#free.get(owner) ?? now;
    if (now - since < lostAfterMs) {
      this.#free.set(owner, since);
      return false;
    }
    this.#free.delete(owner);
    return true;
  }

  /** Takes back what a dead owner had set aside, and keeps its reservations, empty, for the case that it lives. */
  async #takeBack(owner: string): Promise<number> {
    let count = 0;
    for (const { id, scopes } of await this.#reservationsOf(owner)) {
      const empty = "UPDATE budget_reservation SET owner = ?, tokens = 0, cost = 0 WHERE id = ? AND owner = ?";
      const last = { sql: empty, params: [nobody, id, owner], expectRows: 1 };
      // Another process may be taking it back at the same time: one of the two finds it.
      if (await this.#write(scopes, [...scopes.map((at) => givenBack(id, at)), last])) count++;
    }
    return count;
  }

  async #reservationsOf(owner: string): Promise<readonly StoredReservation[]> {
    const sql = "SELECT id, scopes FROM budget_reservation WHERE owner = ?";
    const rows = await this.#database.read({ sql, params: [owner] });
    return rows.map((row) => ({ id: String(row["id"]), owner, scopes: placesOf(row) }));
  }

  /** Reads the book from one day to another, both included. Order: by day, then by scope, then by cost, the highest first. */
  async entries(from: string, to: string): Promise<readonly BudgetEntry[]> {
    const sql = `SELECT day, scope, label, calls, tokens, cost FROM budget_entry
      WHERE day >= ? AND day <= ? ORDER BY day, scope, cost DESC, label`;
    return (await this.#database.read({ sql, params: [from, to] })).map((row) => ({
      day: String(row["day"]),
      scope: String(row["scope"]),
      label: String(row["label"]),
      calls: Number(row["calls"]),
      tokens: Number(row["tokens"]),
      costMicroUsd: Number(row["cost"]),
    }));
  }

  async #take(scopes: readonly ScopePeriod[], amount: Amount, record: Statement): Promise<boolean> {
    const checks = scopes.map(({ scope, period, limits }): Statement => ({
      sql: `INSERT INTO budget_scope(scope, period, spent_tokens, spent_cost, reserved_tokens, reserved_cost)
        SELECT ?1, ?2, 0, 0, ?3, ?4 WHERE ?3 <= ?5 AND ?4 <= ?6
          OR EXISTS(SELECT 1 FROM budget_scope WHERE scope = ?1 AND period = ?2)
        ON CONFLICT(scope, period) DO UPDATE SET
          reserved_tokens = budget_scope.reserved_tokens + ?3, reserved_cost = budget_scope.reserved_cost + ?4
        WHERE (?3 = 0 OR budget_scope.spent_tokens + budget_scope.reserved_tokens + ?3 <= ?5)
          AND (?4 = 0 OR budget_scope.spent_cost + budget_scope.reserved_cost + ?4 <= ?6)
        RETURNING spent_tokens, spent_cost, reserved_tokens, reserved_cost`,
      params: [
        scope,
        period,
        amount.tokens,
        amount.costMicroUsd,
        limits.maxTokens ?? Number.MAX_SAFE_INTEGER,
        limits.maxCostMicroUsd ?? Number.MAX_SAFE_INTEGER,
      ],
      expectRows: 1,
    }));
    return await this.#write(scopes, [...checks, record]);
  }

  /** Writes, and tells of the sums that the first statements give; false for a condition that does not hold. */
  async #write(scopes: readonly ScopePeriod[], statements: readonly Statement[]): Promise<boolean> {
    let results: readonly StatementResult[];
    try {
      results = await this.#database.write(statements);
    } catch (error) {
      if (storageErrors.is(error, "write_conflict")) return false;
      throw error;
    }
    for (const [index, at] of scopes.entries()) {
      const row = results[index]?.rows[0];
      if (row !== undefined) this.#see(at, sumsOf(row));
    }
    return true;
  }
}

/** Adds what was spent to the sums of a scope, and takes a reservation off them. */
function givenBack(id: string, { scope, period }: ScopePeriod, spent?: Amount): Statement {
  return {
    sql: `UPDATE budget_scope SET spent_tokens = spent_tokens + ?4, spent_cost = spent_cost + ?5,
      reserved_tokens = reserved_tokens - coalesce((SELECT tokens FROM budget_reservation WHERE id = ?1), 0),
      reserved_cost = reserved_cost - coalesce((SELECT cost FROM budget_reservation WHERE id = ?1), 0)
      WHERE scope = ?2 AND period = ?3 RETURNING spent_tokens, spent_cost, reserved_tokens, reserved_cost`,
    params: [id, scope, period, spent?.tokens ?? 0, spent?.costMicroUsd ?? 0],
  };
}

function entryStatement(scope: string, { spent, day, label }: Settlement): Statement {
  return {
    sql: `INSERT INTO budget_entry(day, scope, label, calls, tokens, cost) VALUES(?1, ?2, ?3, 1, ?4, ?5)
      ON CONFLICT(day, scope, label) DO UPDATE SET calls = budget_entry.calls + 1,
        tokens = budget_entry.tokens + ?4, cost = budget_entry.cost + ?5`,
    params: [day, scope, label, spent.tokens, spent.costMicroUsd],
  };
}

function sumsOf(row: Row | undefined): ScopeSums {
  const read = (name: string): number => Number(row?.[name] ?? 0);
  return {
    spent: { tokens: read("spent_tokens"), costMicroUsd: read("spent_cost") },
    reserved: { tokens: read("reserved_tokens"), costMicroUsd: read("reserved_cost") },
  };
}

function placesOf(row: Row): readonly ScopePeriod[] {
  const places = JSON.parse(String(row["scopes"])) as readonly (readonly [string, string])[];
  return places.map(([scope, period]) => ({ scope, period, limits: {} }));
}
