import type { HeaderReader } from "./fault-of.ts";
import type { RateLimitReport } from "../model.ts";

type Report = { -readonly [Key in keyof RateLimitReport]: RateLimitReport[Key] };
type Unit = "requests" | "tokens";

/** Are the names of the headers of one provider's style: of what is limited, `limit`, `remaining` and `reset`. */
type Names = (unit: Unit) => readonly [limit: string, remaining: string, reset: string];

const openaiNames: Names = (unit) => [
  `x-ratelimit-limit-${unit}`,
  `x-ratelimit-remaining-${unit}`,
  `x-ratelimit-reset-${unit}`,
];
const anthropicNames: Names = (unit) => [
  `anthropic-ratelimit-${unit}-limit`,
  `anthropic-ratelimit-${unit}-remaining`,
  `anthropic-ratelimit-${unit}-reset`,
];

/** Anthropic limits input and output apart from all tokens; where only these are told, the tighter one counts. */
const anthropicParts = ["input-tokens", "output-tokens"] as const;

/** Are styles that name no unit: they count requests. */
const plainNames = [
  ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"],
  ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
] as const;

/**
 * Reads what a provider says in its headers about its limits; undefined when it says nothing.
 *
 * Units: `nowMs` since the Unix epoch, to read dates.
 * Source: the rate limit headers of OpenAI (durations such as `6m0s`), of Anthropic (dates of RFC 3339), and `RateLimit-*`
 * of the IETF's draft (seconds, also as one field `limit=…, remaining=…, reset=…` or `"name";r=…;t=…`).
 */
export function readRateLimits(header: HeaderReader, nowMs: number): RateLimitReport | undefined {
  const report: Report = {};
  for (const unit of ["requests", "tokens"] as const) {
    if (!readInto(report, unit, { header, names: openaiNames(unit), nowMs })) {
      readInto(report, unit, { header, names: anthropicNames(unit), nowMs });
    }
  }
  if (report.tokensLimit === undefined && report.tokensRemaining === undefined) readParts(report, header, nowMs);
  if (report.requestsLimit === undefined && report.requestsRemaining === undefined) readPlain(report, header, nowMs);
  for (const _ in report) return report;
  return undefined;
}

interface Source {
  readonly header: HeaderReader;
  readonly names: readonly [limit: string, remaining: string, reset: string];
  readonly nowMs: number;
}

function readInto(report: Report, unit: Unit, { header, names, nowMs }: Source): boolean {
  const limit = countOf(header(names[0]));
  const remaining = countOf(header(names[1]));
  const resetMs = resetOf(header(names[2]), nowMs);
  if (limit !== undefined) report[`${unit}Limit`] = limit;
  if (remaining !== undefined) report[`${unit}Remaining`] = remaining;
  if (resetMs !== undefined) report[`${unit}ResetMs`] = resetMs;
  return limit !== undefined || remaining !== undefined;
}

function readParts(report: Report, header: HeaderReader, nowMs: number): void {
  let tightest = Number.POSITIVE_INFINITY;
  for (const part of anthropicParts) {
    const name = `anthropic-ratelimit-${part}`;
    const limit = countOf(header(`${name}-limit`));
    const remaining = countOf(header(`${name}-remaining`));
    const share = limit === undefined || remaining === undefined ? undefined : remaining / Math.max(1, limit);
    if (share === undefined || share >= tightest) continue;
    tightest = share;
    readInto(report, "tokens", { header, names: [`${name}-limit`, `${name}-remaining`, `${name}-reset`], nowMs });
  }
}

function readPlain(report: Report, header: HeaderReader, nowMs: number): void {
  for (const names of plainNames) if (readInto(report, "requests", { header, names, nowMs })) return;
  const whole = header("ratelimit");
  if (whole === undefined) return;
  const field = (pattern: RegExp): string | undefined => pattern.exec(whole)?.[1];
  const limit = countOf(field(/\blimit=(\d+)/));
  const remaining = countOf(field(/\b(?:remaining|r)=(\d+)/));
  const reset = resetOf(field(/\b(?:reset|t)=(\d+)/), nowMs);
  if (limit !== undefined) report.requestsLimit = limit;
  if (remaining !== undefined) report.requestsRemaining = remaining;
  if (reset !== undefined) report.requestsResetMs = reset;
}

function countOf(text: string | undefined): number | undefined {
  // A policy may follow the number: `100, 100;w=60`.
  const digits = text === undefined ? undefined : /^\s*(\d{1,15})\s*(?:$|[,;])/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const longestResetMs = 31 * 86_400_000;
/** Numbers from here on are no seconds to wait but moments: 10^9 seconds after the epoch was in 2001. */
const firstMoment = 1_000_000_000;

function resetOf(text: string | undefined, nowMs: number): number | undefined {
  const clean = text?.trim() ?? "";
  if (clean === "") return undefined;
  const ms = numberOf(clean, nowMs) ?? durationOf(clean) ?? Date.parse(clean) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(0, Math.ceil(ms)), longestResetMs) : undefined;
}

function numberOf(text: string, nowMs: number): number | undefined {
  if (!/^\d+(\.\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  if (value < firstMoment) return value * 1_000;
  return (value < firstMoment * 1_000 ? value * 1_000 : value) - nowMs;
}

function durationOf(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[dhms]))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, value, unit = "s"] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g))
    ms += Number(value) * (unitMs[unit] ?? 0);
  return ms;
}
