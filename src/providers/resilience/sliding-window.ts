/** Is what was taken of a window at one moment. */
export interface Charge {
  /** Puts the amount that was really used in the place of the amount that was taken. Once. */
  correct(used: number, nowMs: number): void;
  /** Takes over what the provider said was left right after this charge, until it is full again. Units: milliseconds from now. */
  reported(remaining: number, resetMs: number, nowMs: number): void;
}

/** Lets an amount through in any window of time, and never more. Units: `nowMs` and waits are milliseconds of the monotonic clock. */
export interface SlidingWindow {
  readonly limit: number;
  /** Tells how long until the amount fits; Infinity if it is more than the limit. */
  waitMs(amount: number, nowMs: number): number;
  /** Takes an amount; it leaves the window again after its span. */
  take(amount: number, nowMs: number): Charge;
  /** Tells what is taken now. */
  used(nowMs: number): number;
}

/** Are the options of a sliding window. Units: milliseconds. */
export interface SlidingWindowOptions {
  /** Infinity for a window that only follows what the provider says. */
  readonly limit: number;
  /** How long an amount counts. */
  readonly spanMs: number;
}

interface Entry {
  readonly firstMs: number;
  lastMs: number;
  amount: number;
}

/** Amounts taken within a thousandth of the span share an entry, which leaves when the last of them does: bounded, never early. */
const entriesPerSpan = 1000;

/** A provider whose limit is "full again" in days tells by Retry-After when it can be asked; without it, it is asked hourly. */
const longestReportMs = 3_600_000;

/**
 * Makes a window from a log of what was taken and when. Unlike a bucket that refills, it never lets the double of its limit
 * through around a moment. Cost: at most some 1,000 entries.
 */
export function createSlidingWindow({ limit, spanMs }: SlidingWindowOptions): SlidingWindow {
  const log = createLog(limit === Number.POSITIVE_INFINITY ? 0 : spanMs);
  // All that was ever taken; a report says up to which total the provider lets us go, and until when that holds.
  let total = 0;
  let report = { ceiling: Number.POSITIVE_INFINITY, untilMs: Number.NEGATIVE_INFINITY, asOf: 0 };

  return {
    limit,
    waitMs(amount, nowMs) {
      const toldMs = total + amount > report.ceiling ? report.untilMs - nowMs : 0;
      return Math.max(0, toldMs, log.leavesMs(log.used(nowMs) + amount - limit) - nowMs);
    },
    take(amount, nowMs) {
      const entry = log.add(amount, nowMs);
      total += amount;
      const place = total;
      return {
        correct(real, atMs) {
          // What is no count says nothing: what was taken stands.
          if (!Number.isFinite(real) || real < 0) return;
          // What was used beyond what was taken is charged now, late, so that it counts for a whole span.
          if (real > amount) log.add(real - amount, atMs);
          else log.giveBack(entry, amount - real, atMs);
        },
        reported(remaining, resetMs, atMs) {
          // Of reports that cross each other, the one of the later call knows more.
          if (report.untilMs > atMs && report.asOf > place) return;
          if (!Number.isFinite(remaining) || Number.isNaN(resetMs)) return;
          const untilMs = atMs + Math.min(Math.max(0, resetMs), longestReportMs);
          report = { ceiling: place + Math.max(0, remaining), untilMs, asOf: place };
        },
      };
    },
    used: (nowMs) => log.used(nowMs),
  };
}

interface Log {
  add(amount: number, nowMs: number): Entry;
  giveBack(entry: Entry, amount: number, nowMs: number): void;
  used(nowMs: number): number;
  /** Finds when so much has left; -Infinity when nothing needs to, Infinity when all of it would not do. */
  leavesMs(lacking: number): number;
}

function createLog(spanMs: number): Log {
  const entries: Entry[] = [];
  let used = 0;
  const prune = (nowMs: number): void => {
    let gone = 0;
    for (let entry = entries[gone]; entry !== undefined && entry.lastMs + spanMs <= nowMs; entry = entries[gone]) {
      used -= entry.amount;
      gone++;
    }
    if (gone > 0) entries.splice(0, gone);
  };
  return {
    add(amount, nowMs) {
      prune(nowMs);
      used += amount;
      let entry = entries.at(-1);
      if (entry === undefined || nowMs - entry.firstMs > spanMs / entriesPerSpan) {
        entry = { firstMs: nowMs, lastMs: nowMs, amount: 0 };
        entries.push(entry);
      }
      entry.lastMs = nowMs;
      entry.amount += amount;
      return entry;
    },
    giveBack(entry, amount, nowMs) {
      prune(nowMs);
      if (entry.lastMs + spanMs <= nowMs) return;
      entry.amount -= amount;
      used -= amount;
    },
    used(nowMs) {
      prune(nowMs);
      return used;
    },
    leavesMs(lacking) {
      if (lacking <= 0) return Number.NEGATIVE_INFINITY;
      let left = lacking;
      for (const { lastMs, amount } of entries) {
        left -= amount;
        if (left <= 0) return lastMs + spanMs;
      }
      return Number.POSITIVE_INFINITY;
    },
  };
}
