import type { Ticket } from "../queue/queue.ts";
import { bossName } from "./pg-boss-jobs.ts";
import type { SqlDatabase, SqlSession } from "./pg-boss-sql.ts";
import { rowsOf } from "./pg-boss-sql.ts";

/** A pg-boss priority has 32 bits, a turn has 53: turns count in thousands, and from where their era begins. */
const turnsPerRank = 1_000;
const ranksPerEra = 97_000_000;
/** How long another process may not know of a new era yet. Units: milliseconds. */
const staleMs = 1_000;

/**
 * Turns priority and turn into the one number by which pg-boss orders, greatest first. Each priority has room for two eras of
 * turns; when turns come to the next era, what waits moves up by one. So the order holds for ever, not until a number is full.
 */
export class Ranks {
  readonly #database: SqlDatabase;
  readonly #schema: string;
  readonly #eras = new Map<string, number>();
  #readAt = -Infinity;

  constructor(database: SqlDatabase, schema: string) {
    this.#database = database;
    this.#schema = schema;
  }

  /** Gives the statement that makes the table of eras. */
  static table(schema: string): string {
    return `CREATE TABLE IF NOT EXISTS ${schema}.atlas_era(name text, priority int, era bigint NOT NULL, PRIMARY KEY(name, priority))`;
  }

  /** Makes ready for these tickets: `priorityOf` then is right for them. */
  async prepare(tickets: readonly Ticket[]): Promise<void> {
    if (performance.now() - this.#readAt > staleMs) await this.refresh();
    for (const ticket of tickets) {
      const era = Math.floor(rankOf(ticket.turn) / ranksPerEra);
      if (era > this.#eraOf(ticket)) await this.#advance(bossName(ticket.queue), ticket.priority, era);
    }
  }

  /** Gives the number by which a ticket's job is ordered. */
  priorityOf(ticket: Ticket): number {
    const from = (this.#eraOf(ticket) - 1) * ranksPerEra;
    const rank = Math.min(2 * ranksPerEra - 1, Math.max(0, rankOf(ticket.turn) - from));
    return ticket.priority * 2 * ranksPerEra - rank;
  }

  /** Reads what eras other processes have come to, and puts right what was ordered without knowing of them. */
  async refresh(): Promise<void> {
    this.#readAt = performance.now();
    const rows = await rowsOf(this.#database, `SELECT name, priority, era FROM ${this.#schema}.atlas_era`);
    for (const row of rows) {
      const [name, priority, era] = [String(row["name"]), Number(row["priority"]), Number(row["era"])];
      const known = this.#eras.get(keyOf(name, priority)) ?? 0;
      this.#eras.set(keyOf(name, priority), era);
      if (known > 0 && era > known) await this.#reorder(this.#database, name, priority);
    }
  }

  #eraOf({ queue, priority }: Ticket): number {
    return this.#eras.get(keyOf(bossName(queue), priority)) ?? 0;
  }

  async #advance(name: string, priority: number, era: number): Promise<void> {
    await this.#database.transaction(async (session) => {
      const rows = await rowsOf(
        session,
        `INSERT INTO ${this.#schema}.atlas_era AS known(name, priority, era) VALUES($1, $2, $3)
          ON CONFLICT(name, priority) DO UPDATE SET era = greatest(known.era, excluded.era) RETURNING era`,
        [name, priority, era],
      );
      this.#eras.set(keyOf(name, priority), Number(rows[0]?.["era"] ?? era));
      await this.#reorder(session, name, priority);
    });
  }

  async #reorder(session: SqlSession, name: string, priority: number): Promise<void> {
    const from = ((this.#eras.get(keyOf(name, priority)) ?? 0) - 1) * ranksPerEra;
    const right = `($2::int * ${2 * ranksPerEra} - least(${2 * ranksPerEra - 1},
      greatest(0, (data->>'turn')::bigint / ${turnsPerRank} - $3::bigint)))::int`;
    await session.query(
      `UPDATE ${this.#schema}.job SET priority = ${right}
        WHERE name = $1 AND state < 'active' AND (data->>'priority')::int = $2 AND priority <> ${right}`,
      [name, priority, from],
    );
  }
}

function rankOf(turn: number): number {
  return Math.floor(turn / turnsPerRank);
}

function keyOf(name: string, priority: number): string {
  return `${name} ${priority}`;
}
