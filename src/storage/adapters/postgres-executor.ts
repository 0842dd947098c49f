import { isConnectionLoss, mapPostgresError } from "./postgres-errors.ts";

/** Runs SQL of PostgreSQL's own dialect; rows come, and statements fail, as the driver tells it. Errors: database_unreachable. */
export interface PostgresExecutor {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

interface Queryable {
  query(config: { readonly text: string; values: unknown[] }): Promise<{ rows: unknown[] }>;
}

/** Is the driver's pool, without the driver's types: they are not installed where this package is. */
interface Connections {
  connect(): Promise<Queryable & { release(broken: boolean): void }>;
}

/** Runs a statement of PostgreSQL's own dialect. Errors: those of the driver; database_unreachable. */
export async function execute(
  on: Queryable,
  address: string,
  query: { readonly text: string; readonly values: readonly unknown[] },
) {
  try {
    return await on.query({ text: query.text, values: [...query.values] });
  } catch (cause) {
    // What the server said stays as it is, for engines tell by its code what to do; the connection's failures are ours.
    throw isConnectionLoss(cause) ? mapPostgresError(cause, address) : cause;
  }
}

/** Runs work in one transaction, which is rolled back when the work rejects. Errors: as `execute`; those of the work. */
export async function transact<T>(
  pool: Connections,
  address: string,
  work: (executor: PostgresExecutor) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw mapPostgresError(cause, address);
  });
  const query = (text: string, values: readonly unknown[] = []) => execute(client, address, { text, values });
  let broken = true;
  try {
    await query("BEGIN");
    const result = await work({ query });
    await query("COMMIT");
    broken = false;
    return result;
  } catch (error) {
    broken = await client.query({ text: "ROLLBACK", values: [] }).then(
      () => false,
      () => true,
    );
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Keeps other processes from migrating at the same time. Errors: database_busy when one takes too long; those of the work. */
export async function alone<T>(pool: Connections, address: string, work: () => Promise<T>): Promise<T> {
  const mapped = (cause: unknown): never => {
    throw mapPostgresError(cause, address);
  };
  const client = await pool.connect().catch(mapped);
  let broken = true;
  try {
    await client.query({ text: "SELECT pg_advisory_lock(4716238911)", values: [] }).catch(mapped);
    const result = await work();
    await client.query({ text: "SELECT pg_advisory_unlock(4716238911)", values: [] }).catch(mapped);
    broken = false;
    return result;
  } finally {
    // A connection that is closed gives its lock back.
    client.release(broken);
  }
}
