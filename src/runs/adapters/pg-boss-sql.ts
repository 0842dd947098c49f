/** Runs statements of PostgreSQL, written with `$1` for parameters. Errors: those of the storage table. */
export interface SqlSession {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly SqlRow[] }>;
}

/** Is one row that PostgreSQL gave, by column name. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Is the PostgreSQL server that a queue lives on. */
export interface SqlServer extends SqlSession {
  /** Runs a body in one transaction of one session; rolls back when it fails. */
  transaction<T>(body: (session: SqlSession) => Promise<T>): Promise<T>;
  /** Hears what is notified on a channel, also after a lost connection was made anew; hints may be lost meanwhile. */
  listen(channel: string, heard: (payload: string) => void): Promise<AsyncDisposable>;
}

/** Gives a session in the form that pg-boss asks for. */
export function bossDatabase(session: SqlSession): {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: SqlRow[] }>;
} {
  return {
    async executeSql(text, values) {
      return { rows: [...(await session.query(text, values)).rows] };
    },
  };
}
