/**
 * Keeps how often a member's calls failed since it last changed. What is old fades; and when the calls since some failure went
 * so much worse than those before it, or so many succeeded in a row, that chance alone does not explain it, then what was
 * before is forgotten: a long good past does not cover a bad present, nor a bad past a good one.
 *
 * Cost: constant for a success; for a failure one step for each of the last failures, at most 32. Nothing is kept of each call.
 */
export interface SuccessRecord {
  /** Share of the calls that failed, 0 to 1. */
  readonly failureRate: number;
  /** Successes since the last failure. */
  readonly successesInRow: number;
  add(failed: boolean, nowMs: number): void;
  /** How many calls it rests on, the faded ones in part. */
  calls(nowMs: number): number;
}

interface Counts {
  readonly calls: number;
  readonly failures: number;
}

/** A change for the worse is one that chance brings about less often than this. */
const chance = 0.05;
/** A row of successes that is less likely than this by the record shows that the record is of the past. */
const unlikely = 0.05;
/** How many failures back a change for the worse is looked for. */
const maxMarks = 32;

/** Makes an empty record. Units: milliseconds in which what was seen loses half its weight. */
export function createSuccessRecord(halfLifeMs: number): SuccessRecord {
  let total: Counts = { calls: 0, failures: 0 };
  /** What the record was just before each of the last failures. */
  let marks: Counts[] = [];
  let inRow = 0;
  let atMs = 0;
  const fade = (nowMs: number): void => {
    if (nowMs <= atMs) return;
    const factor = 2 ** ((atMs - nowMs) / halfLifeMs);
    const faded = ({ calls, failures }: Counts): Counts => ({ calls: calls * factor, failures: failures * factor });
    total = faded(total);
    marks = marks.map(faded);
    atMs = nowMs;
  };
  const fail = (): void => {
    inRow = 0;
    marks.push(total);
    if (marks.length > maxMarks) marks.shift();
    total = plus(total, 1, 1);
    const before = marks.findLast((mark) => isWorse(mark, minus(total, mark)));
    if (before === undefined) return;
    total = minus(total, before);
    marks = marks.slice(marks.lastIndexOf(before)).map((mark) => minus(mark, before));
  };
  const succeed = (): void => {
    inRow++;
    total = plus(total, 1, 0);
    // By the record before the row, in which one more success is assumed: three failures alone do not make it certain to fail.
    const rate = total.failures / Math.max(total.failures, total.calls - inRow + 1);
    if (rate === 0 || (1 - rate) ** inRow >= unlikely) return;
    total = { calls: inRow, failures: 0 };
    marks = [];
  };
  return {
    get failureRate() {
      return total.calls < 1e-6 ? 0 : total.failures / total.calls;
    },
    get successesInRow() {
      return inRow;
    },
    add(failed, nowMs) {
      fade(nowMs);
      if (failed) fail();
      else succeed();
    },
    calls(nowMs) {
      fade(nowMs);
      return total.calls;
    },
  };
}

/**
 * Tells whether calls failed more often than those before them by more than chance: the generalised likelihood ratio of two
 * rates against one, with a threshold that grows with the number of calls as the places do where a change is looked for.
 */
function isWorse(before: Counts, since: Counts): boolean {
  if (since.failures * before.calls <= before.failures * since.calls) return false;
  const all = plus(before, since.calls, since.failures);
  return logLikelihood(before) + logLikelihood(since) - logLikelihood(all) > Math.log(all.calls / chance);
}

/** The logarithm of how likely the calls were at the rate that makes them likeliest. */
function logLikelihood({ calls, failures }: Counts): number {
  const successes = calls - failures;
  const term = (count: number): number => (count <= 0 ? 0 : count * Math.log(count / calls));
  return term(failures) + term(successes);
}

function plus({ calls, failures }: Counts, moreCalls: number, moreFailures: number): Counts {
  return { calls: calls + moreCalls, failures: failures + moreFailures };
}

function minus(all: Counts, part: Counts): Counts {
  return { calls: all.calls - part.calls, failures: all.failures - part.failures };
}
