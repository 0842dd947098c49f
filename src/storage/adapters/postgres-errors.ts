import { isAtlasError } from "../../base/index.ts";
import type { AtlasError } from "../../base/index.ts";
import { storageErrors } from "../errors.ts";

type Code = Parameters<typeof storageErrors.create>[0];

/** Gives the SQLSTATE of an error that the server reported. */
export function sqlState(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "string") return undefined;
  return /^[0-9A-Z]{5}$/.test(cause.code) && "severity" in cause ? cause.code : undefined;
}

/** Tells whether a failure means that the connection is gone or not to be had now, and another may do better. */
export function isConnectionLoss(cause: unknown): boolean {
  if (isAtlasError(cause)) return false;
  const state = sqlState(cause);
  if (state === undefined) return cause instanceof Error;
  return state.startsWith("08") || ["57P01", "57P02", "57P03", "53300"].includes(state);
}

/** Tells whether the server undid a transaction only because of what ran beside it. */
export function isTransient(cause: unknown): boolean {
  return ["40001", "40P01"].includes(sqlState(cause) ?? "");
}

/** Tells whether a failure is not of one write's making: every other write would meet it too. */
export function failsAll(cause: unknown): boolean {
  if (isAtlasError(cause)) return !storageErrors.is(cause, "write_conflict");
  return /^(?:53|25006|28|3D000|42501|XX|58)/.test(sqlState(cause) ?? "");
}

const codes: readonly (readonly [RegExp, Code, string])[] = [
  [/^23|^AT001/, "write_conflict", "A row is there already or breaks a constraint"],
  [/^53100/, "database_full", "The database server has no space left"],
  [/^53300/, "database_unreachable", "The database server has no connection left"],
  [/^25006/, "database_read_only", "The database server takes no writes"],
  [/^28|^3D000|^42501/, "database_denied", "The database server refused the user, the password or the database"],
  [/^08|^57P0/, "database_unreachable", "The database server went away"],
  [/^57014|^55P03|^40/, "database_busy", "The database server did not get to a statement in time"],
  [/^XX00[12]/, "database_corrupt", "The database is damaged"],
];

/**
 * Maps PostgreSQL's failures to the storage table; an AtlasError stays as it is. What the server says is passed on only where
 * it can't quote stored values; the failure itself is not kept as the cause, for its details do.
 */
export function mapPostgresError(cause: unknown, address: string): AtlasError {
  if (isAtlasError(cause)) return cause;
  const state = sqlState(cause);
  const details = { address, ...(state === undefined ? {} : { sqlState: state }) };
  if (state === undefined) {
    if (cause instanceof Error && cause.message.startsWith("SASL")) {
      const text = `The login at the database server at ${address} failed, as it does without a password`;
      return storageErrors.create("database_denied", `${text}: ${cause.message}.`, { details });
    }
    const reason = cause instanceof Error && cause.message !== "" ? cause.message : networkCode(cause);
    return storageErrors.create(
      "database_unreachable",
      `The database server at ${address} does not answer: ${reason}.`,
      { details },
    );
  }
  const [, code, text] = codes.find(([pattern]) => pattern.test(state)) ?? [
    undefined,
    "database_failed" as const,
    "The database server refused a statement",
  ];
  const quotes = /^22|^P0001/.test(state);
  const said = cause instanceof Error && !quotes ? `: ${cause.message}` : "";
  return storageErrors.create(code, `${text} (${address}, SQLSTATE ${state})${said}.`, { details });
}

/** Of several addresses that all failed, Node says what happened only in the code. */
function networkCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
