import { createHash } from "node:crypto";
import type { Row, SqlValue } from "./database.ts";

/**
 * Begins the portable form of a store, which both databases write and read: lines of JSON, gzipped.
 *
 * Shape: first a `BackupHeader`; then for each table a `BackupTable` and as many lines with its rows, each an array of the
 * values in the order of the columns; last a `BackupEnd`. Whole numbers beyond 2^53 are `{"i":"…"}`, bytes `{"b":"base64"}`.
 */
export interface BackupHeader {
  readonly atlas: "backup";
  readonly format: 1;
  /** Is the version of each domain's schema. */
  readonly versions: Readonly<Record<string, number>>;
  /** Is the number of rows of each table. */
  readonly tables: Readonly<Record<string, number>>;
  /** Units: milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** Is the line before the rows of a table. */
export interface BackupTable {
  readonly table: string;
  readonly columns: readonly string[];
}

/** Is the last line; `sha256` is of all bytes before it, as they are before the compression. */
export interface BackupEnd {
  readonly end: { readonly sha256: string };
}

/** Writes the values of a row in the order of the columns. */
export function encodeRow(row: Row, columns: readonly string[]): string {
  return JSON.stringify(columns.map((column) => encodeValue(row[column] ?? null)));
}

function encodeValue(value: SqlValue): unknown {
  if (typeof value === "bigint") return { i: String(value) };
  return value instanceof Uint8Array ? { b: Buffer.from(value).toString("base64") } : value;
}

/** Reads what `encodeRow` wrote; undefined when it is something else. */
export function decodeRow(line: unknown, width: number): readonly SqlValue[] | undefined {
  if (!Array.isArray(line) || line.length !== width) return undefined;
  const values = line.map(decodeValue);
  return values.every((value) => value !== undefined) ? values : undefined;
}

function decodeValue(value: unknown): SqlValue | undefined {
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  if (!isRecord(value)) return undefined;
  if (typeof value["i"] === "string" && /^-?\d+$/.test(value["i"])) return BigInt(value["i"]);
  return typeof value["b"] === "string" ? new Uint8Array(Buffer.from(value["b"], "base64")) : undefined;
}

/** Reads the first line; undefined when the file is no backup. */
export function readHeader(line: unknown): BackupHeader | undefined {
  if (!isRecord(line) || line["atlas"] !== "backup" || line["format"] !== 1) return undefined;
  const { versions, tables, createdAt } = line;
  if (!isCounts(versions) || !isCounts(tables) || typeof createdAt !== "number") return undefined;
  return { atlas: "backup", format: 1, versions, tables, createdAt };
}

/** Reads the line before a table's rows; undefined when it is another line. */
export function readTable(line: unknown): BackupTable | undefined {
  if (!isRecord(line) || !isName(line["table"]) || !Array.isArray(line["columns"])) return undefined;
  const columns: unknown[] = line["columns"];
  return columns.every(isName) ? { table: line["table"], columns } : undefined;
}

/** Reads the checksum of the last line; undefined when it is another line. */
export function readEnd(line: unknown): string | undefined {
  const end = isRecord(line) ? line["end"] : undefined;
  return isRecord(end) && typeof end["sha256"] === "string" ? end["sha256"] : undefined;
}

/** Makes a checksum of lines. */
export function lineChecksum(): { add(line: string): void; sum(): string } {
  const hash = createHash("sha256");
  return { add: (line) => void hash.update(`${line}\n`), sum: () => hash.digest("hex") };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && /^\w+$/.test(value);
}

function isCounts(value: unknown): value is Record<string, number> {
  return isRecord(value) && Object.entries(value).every(([name, count]) => isName(name) && Number.isSafeInteger(count));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
