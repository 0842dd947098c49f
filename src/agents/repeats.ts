import { createHash } from "node:crypto";
import type { ToolCallPart, ToolResultPart } from "../providers/index.ts";

/** So often may one call fail in the same way; so often may it give the same. */
const most = { failed: 3, given: 10 };

/** Is a call that gave the same too often. */
export type Repetition = { readonly name: string; readonly times: number; readonly failed: boolean };

/**
 * Counts how often each call gave what it gave, and finds one that did too often: whoever asks the same again learns nothing.
 * Cost: one hash for each call.
 */
export function countRepeats(
  before: Readonly<Record<string, number>>,
  calls: readonly ToolCallPart[],
  results: readonly ToolResultPart[],
): { readonly repeats: Readonly<Record<string, number>>; readonly found: Repetition | undefined } {
  const repeats = { ...before };
  let found: Repetition | undefined;
  const counted = new Set<string>();
  for (const [at, { name, input }] of calls.entries()) {
    const { output = null, failed = false } = results[at] ?? {};
    const key = createHash("sha1")
      .update(JSON.stringify([name, input, output]))
      .digest("base64url");
    // The same call twice in one answer was not made again after its result was seen.
    if (counted.has(key)) continue;
    counted.add(key);
    const times = (repeats[key] ?? 0) + 1;
    repeats[key] = times;
    if (times >= (failed ? most.failed : most.given)) found ??= { name, times, failed };
  }
  return { repeats, found };
}
