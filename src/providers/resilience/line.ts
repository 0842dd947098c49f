import type { Clock } from "../../base/index.ts";
import { createAlarm } from "./alarm.ts";
import type { Limiter, Line, Waiter } from "./limiter.ts";

/**
 * How long one that has room here, but is held up by another limiter, lets others pass. After it all wait behind it in all
 * its limiters, so that no stream of others can starve it.
 */
const longestPassingMs = 60_000;

/** Makes the line of a limiter. Cost: one timer while somebody waits for time to pass, else none. */
export function createLine(clock: Clock, limiter: () => Limiter): Line {
  return { waiters: new Set(), alarm: createAlarm(clock, () => serve([limiter()])) };
}

let turns = 0;

/** Gives the next place in the order of arrival. One count for the whole process: gates that share a limiter share an order. */
export function nextTurn(): number {
  return ++turns;
}

/** Stands in all lines at once, and goes at once where there is room and nobody before. */
export function join(waiter: Waiter): void {
  for (const { line } of waiter.limiters) line.waiters.add(waiter);
  serve(waiter.limiters);
}

/** Leaves all lines without having gone; those behind move up. */
export function leave(waiter: Waiter): void {
  for (const { line } of waiter.limiters) line.waiters.delete(waiter);
  serve(waiter.limiters);
}

/** Lets those go who can, after something has changed in these limiters: room was made, a waiter came or left, time passed. */
export function serve(limiters: readonly Limiter[]): void {
  const dirty = new Set(limiters);
  // Who goes leaves other lines too, which are then served in their turn: a walk over a set meets what is added to it.
  for (const limiter of dirty) {
    dirty.delete(limiter);
    for (const other of letGo(limiter)) if (other !== limiter) dirty.add(other);
    limiter.line.alarm.set(nextMs(limiter));
  }
}

/** Tells whether a need that came now would have to wait behind others of this limiter. */
export function isBusy(limiter: Limiter): boolean {
  return firstBlocked(limiter) !== Number.POSITIVE_INFINITY;
}

/** Cost: one walk along the line for each that goes, and one for those who do not. */
function letGo(limiter: Limiter): Set<Limiter> {
  const left = new Set<Limiter>();
  const blocked = new Map<Limiter, number>();
  const isBehind = (waiter: Waiter, other: Limiter): boolean => {
    const first = blocked.get(other) ?? firstBlocked(other);
    blocked.set(other, first);
    return first < waiter.turn;
  };
  for (const waiter of limiter.line.waiters) {
    const { need, limiters } = waiter;
    if (limiter.waitMs(need) > 0) break;
    const heldUp =
      limiters.some((other) => other.waitMs(need) > 0) || limiters.some((other) => isBehind(waiter, other));
    if (heldUp && isOverdue(waiter, limiter)) break;
    if (heldUp) continue;
    for (const other of limiters) {
      other.line.waiters.delete(waiter);
      blocked.delete(other);
      left.add(other);
    }
    waiter.go();
  }
  return left;
}

/**
 * Finds the turn of the first who keeps all behind it waiting; Infinity when there is none. Whoever waits for this limiter
 * keeps its turn here; whoever waits for another one lets others pass, for a while.
 */
function firstBlocked(limiter: Limiter): number {
  for (const waiter of limiter.line.waiters) {
    if (limiter.waitMs(waiter.need) > 0 || isOverdue(waiter, limiter)) return waiter.turn;
  }
  return Number.POSITIVE_INFINITY;
}

function isOverdue({ sinceMs }: Waiter, { clock }: Limiter): boolean {
  return clock.monotonic() - sinceMs > longestPassingMs;
}

function nextMs(limiter: Limiter): number {
  for (const { need } of limiter.line.waiters) {
    const waitMs = limiter.waitMs(need);
    if (waitMs > 0) return limiter.clock.monotonic() + waitMs;
  }
  return Number.POSITIVE_INFINITY;
}
