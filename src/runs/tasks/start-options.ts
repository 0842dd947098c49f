import { baseErrors, checkLimits } from "../../base/index.ts";
import { runErrors } from "../errors.ts";
import type { RetryPolicy, StartOptions } from "../run.ts";
import { longestDelayMs } from "../step-retry.ts";

const safeName = /^[\w.:@-]{1,64}$/;
const maxKeyLength = 500;
const maxAttempts = 1_000;
// The end of the year 9999: no database here reads a time beyond it, and one such ticket would hold up those beside it.
const lastTime = 253_402_300_799_999;

/** Checks what was said about the start of a run. Units: `now` in ms since the Unix epoch. Errors: invalid_input, time_past. */
export function checkStartOptions(options: StartOptions, now: number): void {
  const { queue, tenant, key, priority, startAt, after, retry, budget } = options;
  if (queue !== undefined) checkName("queue", queue);
  if (tenant !== undefined) checkName("tenant", tenant);
  if (key !== undefined && (key === "" || key.length > maxKeyLength))
    throw invalid("key", `has ${key.length} characters; it must have 1 to ${maxKeyLength}`);
  if (key?.includes("\0")) throw invalid("key", "holds the character U+0000");
  if (queue === undefined) checkNoQueue(options);
  if (priority !== undefined && !(Number.isInteger(priority) && Math.abs(priority) <= 10))
    throw invalid("priority", `is ${priority}; it must be a whole number from -10 to 10`);
  if (startAt !== undefined) checkTime(startAt, now);
  if (retry !== undefined) checkRetryPolicy(retry);
  if (budget !== undefined) checkLimits(budget);
  if (after !== undefined && !["fail", "skip", "wait", undefined].includes(after.onFailure))
    throw invalid("after.onFailure", "must be fail, skip or wait");
}

function checkNoQueue(options: StartOptions): void {
  for (const name of ["priority", "startAt", "after", "retry"] as const)
    if (options[name] !== undefined) throw invalid(name, "is for runs that go through a queue; name a queue");
}

/** Checks the name of a queue, a tenant or a schedule, which stand in commands and addresses. Errors: invalid_input. */
export function checkName(what: string, name: string): void {
  if (safeName.test(name)) return;
  throw invalid(what, `is ${JSON.stringify(name.slice(0, 80))}; it must have 1 to 64 letters, digits or . _ : @ -`);
}

/** Checks how many of something are wanted. Errors: invalid_input. */
export function checkCount(what: string, count: number, least = 0): void {
  if (Number.isSafeInteger(count) && count >= least) return;
  throw invalid(what, `is ${count}; it must be a whole number from ${least} on`);
}

/** Checks a retry policy. Errors: invalid_input. */
export function checkRetryPolicy({ attempts, minDelayMs = 0, maxDelayMs = Infinity, factor = 1 }: RetryPolicy): void {
  if (!(Number.isInteger(attempts) && attempts >= 1 && attempts <= maxAttempts))
    throw invalid("retry.attempts", `is ${attempts}; it must be a whole number from 1 to ${maxAttempts}`);
  if (!(minDelayMs >= 0 && minDelayMs <= longestDelayMs))
    throw invalid("retry.minDelayMs", `is ${minDelayMs}; it must be 0 to ${longestDelayMs} milliseconds`);
  if (!(maxDelayMs >= minDelayMs))
    throw invalid("retry.maxDelayMs", `is ${maxDelayMs}; it must not be less than minDelayMs`);
  if (!(Number.isFinite(factor) && factor >= 1)) throw invalid("retry.factor", `is ${factor}; it must be 1 or more`);
}

function checkTime(startAt: number, now: number): void {
  if (!Number.isSafeInteger(startAt) || startAt > lastTime)
    throw invalid("startAt", "must be a whole number of ms since the Unix epoch, before the year 10000");
  if (startAt >= now) return;
  throw runErrors.create("time_past", `The run should begin ${now - startAt} ms ago (startAt ${startAt}).`, {
    details: { startAt, now },
  });
}

function invalid(name: string, reason: string): Error {
  return baseErrors.create("invalid_input", `The option ${name} ${reason}.`, { details: { option: name } });
}
