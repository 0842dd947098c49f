import type { Database, Statement, StatementResult } from "../storage/index.ts";

/** Is a database broken on purpose, with the names of the contract's cases that must notice. */
export interface BrokenDatabase {
  readonly name: string;
  readonly noticedBy: readonly string[];
  /** Wraps a sound database. */
  readonly wrap: (sound: Database) => Database;
}

/** Lists the ways to break a database that the contract must notice. */
export const brokenDatabases: readonly BrokenDatabase[] = [
  {
    name: "loses every third write and says that it is done",
    noticedBy: ["a resolved write is read by everyone", "closing waits for the writes that were given"],
    wrap: (sound) => {
      let count = 0;
      return withWrite(sound, (statements) =>
        ++count % 3 === 0 ? Promise.resolve(statements.map(() => ({ changes: 1, rows: [] }))) : sound.write(statements),
      );
    },
  },
  {
    name: "commits each statement by itself",
    noticedBy: [
      "a failed write leaves nothing behind",
      "a failed write does not harm its neighbours in the same commit",
    ],
    wrap: (sound) =>
      withWrite(sound, async (statements) => {
        const results: StatementResult[] = [];
        for (const statement of statements) results.push(...(await sound.write([statement])));
        return results;
      }),
  },
  {
    name: "ignores the expected number of rows",
    noticedBy: [
      "a write that meets another number of rows is a write_conflict",
      "concurrent compare-and-set loses no update",
    ],
    wrap: (sound) =>
      withWrite(sound, (statements) => sound.write(statements.map(({ sql, params = [] }) => ({ sql, params })))),
  },
  {
    name: "commits the later write first",
    noticedBy: ["writes commit in the order in which they were given"],
    wrap: (sound) => {
      let held: (() => void) | undefined;
      return withWrite(sound, async (statements) => {
        if (held) held();
        else {
          await new Promise<void>((resolve) => {
            held = resolve;
            setImmediate(resolve);
          });
        }
        held = undefined;
        return await sound.write(statements);
      });
    },
  },
  {
    name: "gives a lock to everybody",
    noticedBy: ["a lock has one holder until it is given back"],
    wrap: (sound) => ({
      ...withWrite(sound),
      lock: (name) => Promise.resolve({ name, [Symbol.asyncDispose]: () => Promise.resolve() }),
    }),
  },
  {
    name: "takes a lock to ask for it",
    noticedBy: ["any number may ask at once whether a lock is held"],
    wrap: (sound) => ({
      ...withWrite(sound),
      async isLocked(name) {
        const lock = await sound.lock(name);
        await lock?.[Symbol.asyncDispose]();
        return lock === undefined;
      },
    }),
  },
  {
    name: "swallows aborts",
    noticedBy: ["an aborted read rejects with the reason"],
    wrap: (sound) => ({ ...withWrite(sound), read: (statement) => sound.read(statement) }),
  },
  {
    name: "tells nobody",
    noticedBy: ["a notification reaches the others"],
    wrap: (sound) => ({ ...withWrite(sound), notify: () => {} }),
  },
  {
    name: "drops the writes under way when it closes",
    noticedBy: ["closing waits for the writes that were given"],
    wrap: (sound) => {
      let closed = false;
      const database = withWrite(sound, async (statements) => {
        await new Promise((resolve) => setImmediate(resolve));
        return closed ? statements.map(() => ({ changes: 1, rows: [] })) : await sound.write(statements);
      });
      const close = (): PromiseLike<void> => {
        closed = true;
        return sound[Symbol.asyncDispose]();
      };
      return { ...database, [Symbol.asyncDispose]: close };
    },
  },
  {
    name: "carries out what commutes twice",
    noticedBy: ["equal statements that commute are each carried out once", "2,000 writes at once are all kept"],
    wrap: (sound) =>
      withWrite(sound, async (statements) => {
        const again = statements.filter(({ commutes }) => commutes);
        return (await sound.write([...statements, ...again])).slice(0, statements.length);
      }),
  },
  {
    name: "fails all that share a commit with a conflict",
    noticedBy: ["of commuting statements in one commit the one that conflicts fails alone"],
    wrap: (sound) => {
      let together: Statement[] = [];
      let commit: Promise<readonly StatementResult[]> | undefined;
      return withWrite(sound, async (statements) => {
        const first = together.push(...statements) - statements.length;
        commit ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
          const all = together;
          together = [];
          commit = undefined;
          return sound.write(all);
        });
        return (await commit).slice(first, first + statements.length);
      });
    },
  },
  {
    name: "keeps whole numbers as floating point",
    noticedBy: ["whole numbers of 64 bits keep every digit"],
    wrap: (sound) =>
      withWrite(sound, (statements) =>
        sound.write(
          statements.map((statement) => ({
            ...statement,
            params: (statement.params ?? []).map((value) =>
              typeof value === "bigint" ? BigInt(Math.min(Number(value), 2 ** 62)) : value,
            ),
          })),
        ),
      ),
  },
  {
    name: "cuts text off at U+0000",
    noticedBy: ["odd characters come back, or their write fails alone"],
    wrap: (sound) =>
      withWrite(sound, (statements) =>
        sound.write(
          statements.map((statement) => ({
            ...statement,
            params: (statement.params ?? []).map((value) =>
              typeof value === "string" ? (value.split("\0")[0] ?? "") : value,
            ),
          })),
        ),
      ),
  },
  {
    name: "says that it backs up and writes nothing",
    noticedBy: ["a backup is of one moment and never overwrites a file"],
    wrap: (sound) => ({
      ...withWrite(sound),
      backup: (path) => Promise.resolve({ path, sizeBytes: 0, tables: { items: 500 } }),
    }),
  },
];

type Write = (statements: readonly Statement[]) => Promise<readonly StatementResult[]>;

function withWrite(sound: Database, write: Write = (statements) => sound.write(statements)): Database {
  return {
    capabilities: sound.capabilities,
    read: (statement, options) => sound.read(statement, options),
    write,
    migrate: (domain, migrations) => sound.migrate(domain, migrations),
    lock: (name) => sound.lock(name),
    isLocked: (name) => sound.isLocked(name),
    notify: () => sound.notify(),
    listen: (changed) => sound.listen(changed),
    check: () => sound.check(),
    backup: (path, options) => sound.backup(path, options),
    [Symbol.asyncDispose]: () => sound[Symbol.asyncDispose](),
  };
}
