/** Runs statements of PostgreSQL, written with `$1` for parameters. Errors: those of the storage table. */
export interface SqlSession {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** Is the PostgreSQL database that a queue lives in, with the runs. */
export interface SqlDatabase extends SqlSession {
  /** Runs work in one transaction; rolls back when it fails. */
  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T>;
  /** Tells other processes on this database that something changed. */
  notify(): void;
  /** Calls back, soon, after another process called `notify`. */
  listen(changed: () => void): Disposable;
}

/** Is one row that PostgreSQL gave, by column name. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Asks for rows. */
export async function rowsOf(
  session: SqlSession,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly SqlRow[]> {
  return (await session.query(text, values)).rows as readonly SqlRow[];
}

/** Gives a session in the form that pg-boss asks for. */
export function bossDatabase(session: SqlSession): {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: SqlRow[] }>;
} {
  return {
    async executeSql(text, values) {
      const answer: unknown = await session.query(text, values);
      // Several statements in one text have several answers.
      const answers = (Array.isArray(answer) ? answer : [answer]) as readonly { readonly rows: readonly SqlRow[] }[];
      return { rows: answers.flatMap(({ rows }) => rows) };
    },
  };
}
