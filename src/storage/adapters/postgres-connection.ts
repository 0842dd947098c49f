import { Client } from "pg";
import type { ClientConfig } from "pg";
import type { Clock } from "../../base/index.ts";
import type { PostgresQuery } from "./postgres-dialect.ts";
import { isConnectionLoss, mapPostgresError, sqlState } from "./postgres-errors.ts";
import { postgresTypes } from "./postgres-results.ts";
import type { PostgresResult } from "./postgres-results.ts";

/** Is what the parts of the adapter share. */
export interface PostgresSurroundings {
  readonly config: ClientConfig;
  /** Is the address as it may be shown. */
  readonly address: string;
  readonly clock: Clock;
  /** Units: milliseconds for which a lost server is waited for. */
  readonly patienceMs: number;
  /** Units: milliseconds after which an answer is no longer waited for: the connection counts as lost. */
  readonly answerMs: number;
}

/** Is one connection, on which queries go out without waiting for the answers of those before. */
export interface PostgresConnection {
  readonly client: Client;
  readonly lost: boolean;
  /** Sends queries at once; rejects with the first failure among them, after all were answered. */
  run(queries: readonly PostgresQuery[]): Promise<readonly PostgresResult[]>;
  close(): Promise<void>;
}

/** Opens a connection. Errors: those of the driver. */
export async function openConnection(
  { config, answerMs }: PostgresSurroundings,
  lost: () => void = () => {},
): Promise<PostgresConnection> {
  const client = new Client({ ...config, pipeline: true, types: postgresTypes });
  let gone = false;
  let opened = false;
  const lose = (): void => {
    if (gone) return;
    gone = true;
    if (opened) lost();
  };
  client.on("error", lose).on("end", lose);
  const close = async (): Promise<void> => {
    gone = true;
    await client.end().catch(() => {});
  };
  try {
    await client.connect();
    opened = true;
  } catch (cause) {
    await close();
    throw cause;
  }
  return {
    client,
    get lost() {
      return gone;
    },
    async run(queries) {
      // A cut network says nothing; the connection is given up, and what became of its transaction is looked up.
      const limit = setTimeout(() => void close(), answerMs);
      try {
        const outcomes = await Promise.allSettled(
          queries.map((query) => client.query({ ...query, values: [...query.values] })),
        );
        return outcomes.map((outcome) => {
          if (outcome.status === "rejected") throw outcome.reason;
          const { command, rowCount, rows } = outcome.value;
          return { command, changes: rowCount ?? 0, rows };
        });
      } finally {
        clearTimeout(limit);
      }
    },
    close,
  };
}

/**
 * Does something again and again while the server cannot be reached, with growing pauses.
 *
 * Errors: those of the storage table.
 */
export async function withPatience<T>(
  { address, clock, patienceMs }: PostgresSurroundings,
  work: () => Promise<T>,
): Promise<T> {
  const start = clock.monotonic();
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (cause) {
      const pauseMs = pauseBefore(attempt);
      if (!isConnectionLoss(cause) || isHopeless(cause) || clock.monotonic() - start + pauseMs > patienceMs)
        throw mapPostgresError(cause, address);
      await clock.sleep(pauseMs);
    }
  }
}

/** Gives how long to wait before the next attempt. Units: milliseconds. */
export function pauseBefore(attempt: number): number {
  return Math.min(1_000, 25 * 2 ** attempt);
}

/** Tells whether waiting is in vain: an address that means nothing, or a login or a certificate that is refused, will not change by itself. */
export function isHopeless(cause: unknown): boolean {
  if (sqlState(cause) !== undefined || !(cause instanceof Error)) return false;
  const code = "code" in cause ? String(cause.code) : "";
  const isFile = "syscall" in cause && cause.syscall === "open";
  return isFile || code === "ENOTFOUND" || /^ERR_|CERT|SELF_SIGNED|ssl|SASL/i.test(`${code} ${cause.message}`);
}
