import type { SqlValue, Statement, StatementResult } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { toPostgres } from "./postgres-dialect.ts";
import type { PostgresQuery } from "./postgres-dialect.ts";
import type { PostgresResult } from "./postgres-results.ts";

/** Is a statement of a batch with where its result belongs. */
interface Place {
  readonly statement: Statement;
  readonly write: number;
  readonly at: number;
}

/** Are statements that go to the server as one. */
type Group = [Place, ...Place[]];

/** Is an INSERT of one row, taken apart so that many can be made one. */
interface RowInsert {
  /** Is the statement that inserts the rows of a JSON array. */
  readonly merged: string;
  /** Are the JSON names of the columns, each with the index of its parameter. */
  readonly columns: readonly (readonly [string, number])[];
}

/** Is a batch of writes as it goes to the server. */
export interface PostgresBatch {
  readonly queries: readonly PostgresQuery[];
  /** Holds the results when they can be told before the server has answered: it refuses the batch if they are others. */
  readonly foretold: readonly (readonly StatementResult[])[] | undefined;
  /** Sorts the server's answers to the writes. Errors: write_conflict for rows that were not expected. */
  results(answers: readonly PostgresResult[]): readonly (readonly StatementResult[])[];
}

const done: StatementResult = { changes: 1, rows: [] };

/**
 * Makes the queries of a batch of writes. Equal inserts that commute become one and go first; the others keep their order.
 * A batch whose results can all be foretold has the server check the row counts, so that it can go out together with its COMMIT.
 */
export function makeBatch(writes: readonly (readonly Statement[])[], careful = false): PostgresBatch {
  const merged = new Map<string, Group>();
  const single: Place[] = [];
  let isForetold = !careful;
  for (const [write, statements] of writes.entries()) {
    for (const [at, statement] of statements.entries()) {
      const { insert, foretold } = kindOf(statement.sql);
      const place = { statement, write, at };
      if (insert && statement.commutes && (statement.expectRows ?? 1) === 1) {
        const others = merged.get(statement.sql);
        if (others) others.push(place);
        else merged.set(statement.sql, [place]);
        continue;
      }
      single.push(place);
      if (insert === undefined && !(foretold && statement.expectRows !== undefined)) isForetold = false;
    }
  }
  const places: Group[] = [...merged.values(), ...single.map((place): Group => [place])];
  const queries = places.map((group) => groupQuery(group, isForetold));
  return {
    queries: careful ? queries.map(({ text, values }) => ({ text, values })) : queries,
    foretold: isForetold
      ? writes.map((statements) =>
          statements.map(({ expectRows = 1 }) => (expectRows === 1 ? done : { changes: expectRows, rows: [] })),
        )
      : undefined,
    results: (answers) => sortAnswers(writes, places, answers),
  };
}

function sortAnswers(
  writes: readonly (readonly Statement[])[],
  places: readonly Group[],
  answers: readonly PostgresResult[],
): StatementResult[][] {
  const sorted = writes.map((statements) => statements.map(() => done));
  for (const [index, group] of places.entries()) {
    const answer = answers[index];
    if (group.length > 1 || answer === undefined) continue;
    for (const { statement, write, at } of group) {
      const { changes, rows } = answer;
      if (statement.expectRows !== undefined && changes !== statement.expectRows) {
        throw storageErrors.create(
          "write_conflict",
          `Statement ${at} of a write changed ${changes} rows, not ${statement.expectRows}.`,
          { details: { statement: at, expected: statement.expectRows, changed: changes } },
        );
      }
      const results = sorted[write];
      if (results) results[at] = { changes, rows };
    }
  }
  return sorted;
}

function groupQuery(group: Group, checked: boolean): PostgresQuery {
  const [{ statement }] = group;
  const { insert } = kindOf(statement.sql);
  if (insert && group.length > 1) return mergedQuery(insert, group);
  const query = toPostgres(statement.sql, statement.params);
  if (!checked || insert || statement.expectRows === undefined) return query;
  const text = `WITH changed AS (${query.text} RETURNING 1) SELECT 1 / (count(*) = ${statement.expectRows})::int AS as_expected FROM changed`;
  return query.name === undefined
    ? { ...query, text }
    : { ...query, text, name: `${query.name}_${statement.expectRows}` };
}

function mergedQuery(insert: RowInsert, group: Group): PostgresQuery {
  let rows = "";
  for (const { statement } of group) {
    let row = "";
    for (const [name, index] of insert.columns)
      row += `${row === "" ? "{" : ","}${name}:${toJson(statement.params?.[index] ?? null)}`;
    rows += `${rows === "" ? "[" : ","}${row}}`;
  }
  return { ...toPostgres(insert.merged), values: [`${rows}]`] };
}

function toJson(value: SqlValue): string {
  if (typeof value === "string") return JSON.stringify(value.isWellFormed() ? value : value.toWellFormed());
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `"${value}"`;
  if (typeof value === "bigint") return String(value);
  if (value === null) return "null";
  return `"\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}"`;
}

interface Kind {
  readonly insert: RowInsert | undefined;
  /** Whether the server can check its row count. */
  readonly foretold: boolean;
}

const maxKinds = 2_000;
const kinds = new Map<string, Kind>();

function kindOf(sql: string): Kind {
  let kind = kinds.get(sql);
  if (!kind) {
    if (kinds.size >= maxKinds) kinds.clear();
    kind = {
      insert: readInsert(sql),
      foretold: /^\s*(?:INSERT|UPDATE|DELETE)\b/i.test(sql) && !/\bRETURNING\b/i.test(sql),
    };
    kinds.set(sql, kind);
  }
  return kind;
}

const rowInsert = /^\s*INSERT\s+INTO\s+(\w+)\s*\(([^()]*)\)\s*VALUES\s*\(([^()]*)\)\s*$/i;

/** Takes apart an INSERT of one row whose values are parameters and plain literals. */
function readInsert(sql: string): RowInsert | undefined {
  const [, table, names = "", values = ""] = rowInsert.exec(sql) ?? [];
  const columns = names.split(",").map((name) => name.trim());
  const items = values.split(",").map((value) => value.trim());
  if (table === undefined || columns.length !== items.length) return undefined;
  const params: [string, number][] = [];
  let last = 0;
  const selected = items.map((item, index) => {
    const column = columns[index] ?? "";
    const [, digits] = /^\?(\d*)$/.exec(item) ?? [];
    if (digits === undefined) return /^(?:-?\d+|NULL|'[^']*')$/i.test(item) ? item : undefined;
    const at = digits === "" ? last + 1 : Number(digits);
    last = Math.max(last, at);
    params.push([JSON.stringify(column.toLowerCase()), at - 1]);
    return `item.${column}`;
  });
  if (selected.includes(undefined) || columns.some((column) => !/^\w+$/.test(column))) return undefined;
  return {
    merged: `INSERT INTO ${table}(${columns.join(", ")}) SELECT ${selected.join(", ")} FROM json_populate_recordset(NULL::${table}, ?) AS item`,
    columns: params,
  };
}
