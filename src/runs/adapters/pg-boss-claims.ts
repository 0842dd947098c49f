import type { SqlSession } from "./pg-boss-sql.ts";
import { rowsOf } from "./pg-boss-sql.ts";

/** Is a claim that an engine makes: jobs of one queue. */
export interface NewClaim {
  readonly owner: string;
  readonly name: string;
  readonly jobs: readonly string[];
}

interface KnownClaim {
  readonly id: string;
  readonly open: Set<string>;
}

/** As a job is before it is fetched. */
const waiting = "state = 'created', started_on = NULL, heartbeat_on = NULL";

/**
 * Keeps which engine claimed which jobs, one row for each claim, so that what a dead engine had claimed can be found. What this
 * process itself has claimed it also knows in memory: a claim whose answer was lost with the connection is found by the difference.
 */
export class Claims {
  readonly #schema: string;
  readonly #byJob = new Map<string, KnownClaim>();
  readonly #known = new Set<string>();

  constructor(schema: string) {
    this.#schema = schema;
  }

  /** Gives the statement that makes the table of claims. */
  static table(schema: string): string {
    return `CREATE TABLE IF NOT EXISTS ${schema}.atlas_claim(
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text NOT NULL, name text NOT NULL, jobs uuid[] NOT NULL,
      at timestamptz NOT NULL DEFAULT now())`;
  }

  /** Writes down a claim, in its transaction. Gives its id, for `remember` once the transaction is through. */
  async record(session: SqlSession, { owner, name, jobs }: NewClaim): Promise<string> {
    const rows = await rowsOf(
      session,
      `INSERT INTO ${this.#schema}.atlas_claim(owner, name, jobs) VALUES($1, $2, $3) RETURNING id::text AS id`,
      [owner, name, [...jobs]],
    );
    return String(rows[0]?.["id"]);
  }

  /** Makes a statement that fetches and writes the claim down at once; the claimer and the queue are its last parameters. */
  recording(fetch: string, params: number): string {
    return `WITH taken AS (${fetch}), kept AS (INSERT INTO ${this.#schema}.atlas_claim(owner, name, jobs)
        SELECT $${params + 1}, $${params + 2}, array_agg(id) FROM taken HAVING count(*) > 0 RETURNING id)
      SELECT taken.*, kept.id::text AS claim FROM taken, kept`;
  }

  /** Keeps a claim in mind until all of its jobs are settled. */
  remember(id: string, jobs: readonly string[]): void {
    const claim: KnownClaim = { id, open: new Set(jobs) };
    this.#known.add(id);
    for (const job of jobs) this.#byJob.set(job, claim);
  }

  /** Forgets jobs that are settled; gives the claims of which none is left. */
  settled(jobs: readonly string[]): string[] {
    const done: string[] = [];
    for (const job of jobs) {
      const claim = this.#byJob.get(job);
      if (claim === undefined) continue;
      this.#byJob.delete(job);
      claim.open.delete(job);
      if (claim.open.size > 0) continue;
      this.#known.delete(claim.id);
      done.push(claim.id);
    }
    return done;
  }

  /** Deletes the rows of claims that are through. */
  async drop(session: SqlSession, ids: readonly string[]): Promise<void> {
    if (ids.length > 0)
      await session.query(`DELETE FROM ${this.#schema}.atlas_claim WHERE id = ANY($1::bigint[])`, [[...ids]]);
  }

  /** Makes jobs claimable again that were fetched in this transaction and cannot be taken. */
  async putBack(session: SqlSession, name: string, jobs: readonly string[]): Promise<void> {
    const sql = `UPDATE ${this.#schema}.job SET ${waiting} WHERE name = $1 AND id = ANY($2::uuid[])`;
    await session.query(sql, [name, [...jobs]]);
  }

  /** Makes claimable again what was claimed for this engine without its knowledge: the answer was lost. */
  async putBackUnknown(session: SqlSession, owner: string): Promise<void> {
    await session.query(
      `WITH lost AS (DELETE FROM ${this.#schema}.atlas_claim WHERE owner = $1 AND id <> ALL($2::bigint[]) RETURNING name, jobs, at)
        UPDATE ${this.#schema}.job j SET ${waiting} FROM lost
        WHERE j.name = lost.name AND j.id = ANY(lost.jobs) AND j.state = 'active' AND j.started_on <= lost.at`,
      [owner, [...this.#known]],
    );
  }

  /** Names the engines that have claimed something. */
  async owners(session: SqlSession): Promise<readonly string[]> {
    const rows = await rowsOf(session, `SELECT DISTINCT owner FROM ${this.#schema}.atlas_claim`);
    return rows.map(({ owner }) => String(owner));
  }

  /** Makes claimable again what an engine had claimed and not begun, and deletes the rest: its runs are offered anew if they wait. */
  async release(session: SqlSession, owner: string): Promise<void> {
    await session.query(
      `WITH gone AS (DELETE FROM ${this.#schema}.atlas_claim WHERE owner = $1 RETURNING name, jobs, at),
        theirs AS (SELECT j.name, j.id, EXISTS (SELECT 1 FROM run WHERE run.id = j.data->>'run' AND run.status = 'queued'
            AND run.epoch = (j.data->>'epoch')::bigint AND run.finished_at IS NULL) AS waits
          FROM ${this.#schema}.job j JOIN gone ON j.name = gone.name AND j.id = ANY(gone.jobs)
          WHERE j.state = 'active' AND j.started_on <= gone.at),
        back AS (UPDATE ${this.#schema}.job j SET ${waiting} FROM theirs
          WHERE j.name = theirs.name AND j.id = theirs.id AND theirs.waits)
        DELETE FROM ${this.#schema}.job j USING theirs WHERE j.name = theirs.name AND j.id = theirs.id AND NOT theirs.waits`,
      [owner],
    );
  }
}
