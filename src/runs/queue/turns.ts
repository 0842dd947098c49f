import type { Database, Statement } from "../../storage/index.ts";
import type { Ticket } from "./queue.ts";

/** Is a run that is to get its turn among the runs of its queue and priority. */
export interface TurnWish {
  readonly queue: string;
  readonly priority: number;
  readonly tenant: string | undefined;
  /** How much of the turns the tenant gets, against 1 for the others. */
  readonly weight?: number | undefined;
}

/** What one run of weight 1 moves its tenant on by; a tenant of weight 2 moves on by half as much and so comes twice as often. */
const turnSize = 1_000_000;

const allot = `INSERT INTO run_turn(queue, priority, tenant, turn)
  VALUES(?1, ?2, ?3, coalesce((SELECT turn FROM run_served WHERE queue = ?1 AND priority = ?2), 0) + ?4)
  ON CONFLICT(queue, priority, tenant) DO UPDATE SET turn = ?4 + (CASE
    WHEN run_turn.turn > coalesce((SELECT turn FROM run_served WHERE queue = ?1 AND priority = ?2), 0) THEN run_turn.turn
    ELSE (SELECT turn FROM run_served WHERE queue = ?1 AND priority = ?2) END)
  RETURNING turn`;

/**
 * Gives each run its turn. Tenants take turns whatever their backlogs: a tenant's next run comes one turn after its last one that
 * waits, and one turn after the run that was claimed last when none waits. Runs get theirs when they become ready, not when they are
 * blocked or their time has not come: what a tenant wants next month does not hold up what it wants now.
 *
 * Order: the turns are in the order of the wishes. Cost: one write.
 */
export async function allotTurns(database: Database, wishes: readonly TurnWish[]): Promise<readonly number[]> {
  const groups = new Map<string, { readonly first: TurnWish; count: number; next: number }>();
  const found = wishes.map((wish) => {
    const key = JSON.stringify([wish.queue, wish.priority, wish.tenant ?? ""]);
    const group = groups.get(key) ?? { first: wish, count: 0, next: 0 };
    groups.set(key, group);
    group.count++;
    return group;
  });
  // Everyone takes the rows in one order, so that no two wait for each other.
  const ordered = [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  const results = await database.write(ordered.map(({ first, count }) => statementOf(first, count)));
  for (const [index, group] of ordered.entries()) {
    group.next = Number(results[index]?.rows[0]?.["turn"]) - (group.count - 1) * sizeOf(group.first);
  }
  return found.map((group) => {
    const turn = group.next;
    group.next += sizeOf(group.first);
    return turn;
  });
}

function statementOf(wish: TurnWish, count: number): Statement {
  return { sql: allot, params: [wish.queue, wish.priority, wish.tenant ?? "", count * sizeOf(wish)] };
}

function sizeOf({ weight = 1 }: TurnWish): number {
  return Math.max(1, Math.round(turnSize / weight));
}

const serve = `INSERT INTO run_served(queue, priority, turn) VALUES(?1, ?2, ?3)
  ON CONFLICT(queue, priority) DO UPDATE SET turn = ?3 WHERE run_served.turn < ?3`;

/** Gives the statements that keep the turn which each priority of a queue has come to by a claim: a tenant that comes back begins there. */
export function servedStatements(queue: string, claimed: readonly Pick<Ticket, "priority" | "turn">[]): Statement[] {
  const reached = new Map<number, number>();
  for (const { priority, turn } of claimed) reached.set(priority, Math.max(turn, reached.get(priority) ?? 0));
  return [...reached].map(([priority, turn]) => ({ sql: serve, params: [queue, priority, turn] }));
}
