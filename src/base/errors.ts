import type { JsonObject } from "./json-value.ts";

/**
 * Says whether trying again can help: `never` (it will fail again), `later` (the same call may succeed in a while),
 * `changed` (only another input, setting or environment can succeed).
 */
export type Retry = "never" | "later" | "changed";

/**
 * Describes one error code in a domain's table. Errors thrown, exit codes, HTTP status and docs/errors.md all come from it.
 *
 * Units: `status` is an HTTP status; `exitCode` is the process's (1 failure, 2 usage, 3 authentication, 4 not found,
 * 5 conflict, 6 limit, 7 run failed, 130 interrupted).
 */
export interface ErrorSpec {
  readonly status: number;
  readonly retry: Retry;
  readonly exitCode: number;
  /** What happened, in one sentence. */
  readonly summary: string;
  /** What the reader can do about it, in one sentence. */
  readonly fix: string;
}

/** Holds the options of a single thrown error; `retry` overrules the table where the failure itself knows better. */
export interface ErrorOptions {
  readonly details?: JsonObject;
  readonly cause?: unknown;
  readonly retry?: Retry;
}

const brand = Symbol.for("atlas.error");

/**
 * Carries every failure that Atlas throws. Told by its brand, so that two copies of Atlas in one process understand each other.
 *
 * Shape: `code` is one of docs/errors.md; `details` is JSON that names the thing (path, id, setting), never a secret, a prompt or a body.
 */
export class AtlasError extends Error {
  readonly [brand] = true;
  readonly code: string;
  readonly details: JsonObject;
  readonly retry: Retry;
  readonly status: number;
  readonly exitCode: number;
  readonly fix: string;

  constructor(code: string, message: string, options: ErrorOptions & { readonly spec: ErrorSpec }) {
    const { spec } = options;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AtlasError";
    this.code = code;
    this.details = options.details ?? {};
    this.retry = options.retry ?? spec.retry;
    this.status = spec.status;
    this.exitCode = spec.exitCode;
    this.fix = spec.fix;
  }

  toJSON(): ErrorData {
    const { code, message, fix, retry, status, exitCode, details } = this;
    return { code, message, fix, retry, status, exitCode, details };
  }
}

/** Is the plain form of an error: what `--json`, the event log and the API show. */
export type ErrorData = {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  readonly retry: Retry;
  readonly status: number;
  readonly exitCode: number;
  readonly details: JsonObject;
};

/** Holds one domain's error codes and makes its errors. */
export interface ErrorDomain<Code extends string> {
  readonly domain: string;
  readonly table: Readonly<Record<Code, ErrorSpec>>;
  /** Makes the error; the message says what happened, where and, where it is short, what to do. */
  readonly create: (code: Code, message: string, options?: ErrorOptions) => AtlasError;
  /** Tells whether a value is an error of this domain, of the given code if one is named. */
  readonly is: (value: unknown, code?: Code) => value is AtlasError;
}

/** Defines the error codes of a domain. Codes are snake_case and unique over all domains. */
export function defineErrors<const Table extends Readonly<Record<string, ErrorSpec>>>(
  domain: string,
  table: Table,
): ErrorDomain<Extract<keyof Table, string>> {
  return {
    domain,
    table,
    create(code, message, options) {
      const spec = Object.hasOwn(table, code) ? table[code] : undefined;
      if (spec === undefined) throw new TypeError(`Unknown error code ${domain}/${code}.`);
      return new AtlasError(code, message, { ...options, spec });
    },
    is(value, code): value is AtlasError {
      return isAtlasError(value) && Object.hasOwn(table, value.code) && (code === undefined || value.code === code);
    },
  };
}

/** Tells whether a value is an AtlasError, from this or another copy of the package. */
export function isAtlasError(value: unknown): value is AtlasError {
  return typeof value === "object" && value !== null && brand in value;
}

/** Holds the error codes that belong to no domain. */
export const baseErrors = defineErrors("base", {
  internal_error: {
    status: 500,
    retry: "never",
    exitCode: 1,
    summary: "Something failed that Atlas did not foresee.",
    fix: "If the message is of your own workflow or tool, mend it there; else please report it. ATLAS_LOG=debug shows more.",
  },
  invalid_input: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A value that was passed in does not have the form that is needed.",
    fix: "Correct the value that the message names.",
  },
  cancelled: {
    status: 499,
    retry: "never",
    exitCode: 130,
    summary: "The work was cancelled.",
    fix: "Start it again if that was not wanted.",
  },
  timed_out: {
    status: 504,
    retry: "later",
    exitCode: 1,
    summary: "The work took longer than it was allowed to.",
    fix: "Try again, or raise the time limit that the message names.",
  },
  budget_exceeded: {
    status: 402,
    retry: "changed",
    exitCode: 6,
    summary: "A budget has not as much left as the work needs.",
    fix: "Raise the limit of the scope that the message names, wait for its next day, or ask for less.",
  },
  json_invalid: {
    status: 400,
    retry: "changed",
    exitCode: 2,
    summary: "A text that should be JSON is not, or is larger or deeper than allowed.",
    fix: "Correct the JSON at the place that the message names.",
  },
});

/** Turns whatever was thrown into an AtlasError: Atlas's own unchanged, an abort as `cancelled`, anything else as `internal_error`. */
export function toAtlasError(value: unknown): AtlasError {
  if (isAtlasError(value)) return value;
  if (value instanceof Error && value.name === "AbortError") {
    return baseErrors.create("cancelled", "The work was cancelled.", { cause: value });
  }
  if (value instanceof Error && value.name === "TimeoutError") {
    return baseErrors.create("timed_out", "The work took longer than it was allowed to.", { cause: value });
  }
  return baseErrors.create("internal_error", messageOf(value), { cause: value });
}

function messageOf(value: unknown): string {
  if (value instanceof Error) return value.message;
  // An object's own toString could throw, or show what it holds.
  return typeof value === "object" && value !== null ? "Something was thrown that is no error." : String(value);
}

/** Makes an AtlasError again from its plain form, as read from an event log; an unknown code keeps its text. */
export function fromErrorData({ code, message, details, ...spec }: ErrorData): AtlasError {
  return new AtlasError(code, message, { spec: { ...spec, summary: "" }, details });
}
