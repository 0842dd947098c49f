import type { CustomTypesConfig } from "pg";
import type { Row, SqlValue } from "../database.ts";

const oids = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, oid: 26, float4: 700, float8: 701, numeric: 1700 };

/** Reads what PostgreSQL answers: whole numbers beyond 2^53 as bigint, truth as 1 and 0, as SQLite does. */
export const postgresTypes: CustomTypesConfig = { getTypeParser: (oid: number) => parsers.get(oid) ?? String };

const parsers = new Map<number, (text: string) => SqlValue>([
  [oids.bool, (text) => (text === "t" ? 1 : 0)],
  [oids.bytea, (text) => new Uint8Array(Buffer.from(text.slice(2), "hex"))],
  [oids.int8, toWhole],
  [oids.int2, Number],
  [oids.int4, Number],
  [oids.oid, Number],
  [oids.float4, Number],
  [oids.float8, Number],
  // Sums of whole numbers come as numeric.
  [oids.numeric, (text) => (/^-?\d+$/.test(text) ? toWhole(text) : Number(text))],
]);

function toWhole(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** Is what a statement did, as the adapter hands it on. */
export interface PostgresResult {
  readonly command: string;
  readonly changes: number;
  readonly rows: readonly Row[];
}
