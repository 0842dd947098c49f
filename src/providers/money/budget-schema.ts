import type { Migration } from "../../storage/index.ts";

/**
 * Holds the tables of durable budgets.
 *
 * `budget_scope` holds the sums of a scope in a period (`total`, or a day such as 2026-11-21). `budget_reservation` holds what
 * is set aside, with its owner, so that what a dead process held can be given back; `scopes` is the JSON of its scopes and
 * their periods. `budget_entry` is the book: what was spent on a day, by scope and label.
 */
export const budgetMigrations: readonly Migration[] = [
  {
    version: 1,
    name: "budgets, their reservations and their book",
    statements: [
      `CREATE TABLE budget_scope(
        scope TEXT NOT NULL, period TEXT NOT NULL,
        spent_tokens BIGINT NOT NULL, spent_cost BIGINT NOT NULL,
        reserved_tokens BIGINT NOT NULL, reserved_cost BIGINT NOT NULL,
        PRIMARY KEY(scope, period))`,
      `CREATE TABLE budget_reservation(
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, scopes TEXT NOT NULL, tokens BIGINT NOT NULL, cost BIGINT NOT NULL)`,
      `CREATE INDEX budget_reservation_by_owner ON budget_reservation(owner)`,
      `CREATE TABLE budget_entry(
        day TEXT NOT NULL, scope TEXT NOT NULL, label TEXT NOT NULL,
        calls BIGINT NOT NULL, tokens BIGINT NOT NULL, cost BIGINT NOT NULL,
        PRIMARY KEY(day, scope, label))`,
    ],
  },
];
