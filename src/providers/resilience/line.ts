import type { Clock } from "../../base/index.ts";
import { createAlarm } from "./alarm.ts";
import type { GateNeed } from "./gate.ts";
import type { Limiter, Line, Queue, Waiter } from "./limiter.ts";

/**
 * How long one that has room here, but is held up by another limiter, lets others pass. After it all wait behind it in all
 * its limiters, so that no stream of others can starve it.
 */
const longestPassingMs = 60_000;

/** Makes the line of a limiter. Cost: one timer while somebody waits for time to pass, else none. */
export function createLine(clock: Clock, limiter: () => Limiter): Line {
  return { queues: new Set(), alarm: createAlarm(clock, () => serve([limiter()])) };
}

let turns = 0;

/** Gives the next place in the order of arrival. One count for the whole process: gates that share a limiter share an order. */
export function nextTurn(): number {
  return ++turns;
}

/** Stands in a queue, and goes at once where there is room and nobody before. */
export function join(queue: Queue, waiter: Waiter): void {
  queue.waiters.add(waiter);
  for (const { line } of queue.limiters) line.queues.add(queue);
  if (queue.waiters.size === 1) serve(queue.limiters);
}

/** Leaves a queue without having gone; those behind move up. */
export function leave(queue: Queue, waiter: Waiter): void {
  const wasFirst = firstOf(queue) === waiter;
  remove(queue, waiter);
  if (wasFirst) serve(queue.limiters);
}

/**
 * Lets those go who can, after something has changed in these limiters: room was made, a waiter came or left, time passed.
 * Cost: some looks at the first of each queue of these limiters, for each that goes.
 */
export function serve(limiters: readonly Limiter[]): void {
  if (limiters.every(isIdle)) return;
  const dirty = new Set(limiters);
  // Who goes was in other lines too, which are then served in their turn: a walk over a set meets what is added to it.
  for (const limiter of dirty) {
    dirty.delete(limiter);
    for (let queue = nextToGo(limiter); queue !== undefined; queue = nextToGo(limiter)) {
      const waiter = firstOf(queue);
      if (waiter === undefined) break;
      remove(queue, waiter);
      waiter.go();
      for (const other of queue.limiters) if (other !== limiter) dirty.add(other);
    }
    limiter.line.alarm.set(nextMs(limiter));
    wakeByOthers(limiter);
  }
}

/** Sees to it that the first of each queue wakes when another of its limiters lets it, one that began to hold it up unseen. */
function wakeByOthers(limiter: Limiter): void {
  for (const queue of limiter.line.queues) {
    const waiter = firstOf(queue);
    if (waiter === undefined) continue;
    for (const other of queue.limiters) {
      if (other.line.alarm.atMs !== Number.POSITIVE_INFINITY) continue;
      const waitMs = other.waitMs(waiter.need);
      if (waitMs > 0) other.line.alarm.set(other.clock.monotonic() + waitMs);
    }
  }
}

/** Nobody waits, and nobody is to be woken. */
function isIdle({ line }: Limiter): boolean {
  return line.queues.size === 0 && line.alarm.atMs === Number.POSITIVE_INFINITY;
}

/** Tells whether a need that came now could go at once in all of these limiters: there is room, and nobody waits. */
export function isFree(limiters: readonly Limiter[], need: GateNeed): boolean {
  return limiters.every((limiter) => limiter.line.queues.size === 0 && limiter.waitMs(need) <= 0);
}

/** Tells whether a need that came now would have to wait behind others of this limiter. */
export function isBusy(limiter: Limiter): boolean {
  return firstBlocked(limiter) !== Number.POSITIVE_INFINITY;
}

function remove(queue: Queue, waiter: Waiter): void {
  queue.waiters.delete(waiter);
  if (queue.waiters.size > 0) return;
  for (const { line } of queue.limiters) line.queues.delete(queue);
}

function firstOf({ waiters }: Queue): Waiter | undefined {
  return waiters.values().next().value;
}

function nextToGo(limiter: Limiter): Queue | undefined {
  let next: Queue | undefined;
  let turn = firstBlocked(limiter);
  for (const queue of limiter.line.queues) {
    const waiter = firstOf(queue);
    if (waiter === undefined || waiter.turn > turn || !hasRoom(queue, waiter)) continue;
    next = queue;
    turn = waiter.turn;
  }
  return next;
}

function hasRoom({ limiters }: Queue, { need, turn }: Waiter): boolean {
  return (
    limiters.every((limiter) => limiter.waitMs(need) <= 0) && limiters.every((other) => firstBlocked(other) >= turn)
  );
}

/**
 * Finds the turn of the first who keeps all behind it waiting; Infinity when there is none. Whoever waits for this limiter
 * keeps its turn here; whoever waits for another one lets others pass, for a while.
 */
function firstBlocked(limiter: Limiter): number {
  let first = Number.POSITIVE_INFINITY;
  for (const queue of limiter.line.queues) {
    const waiter = firstOf(queue);
    if (waiter === undefined || waiter.turn >= first) continue;
    if (limiter.waitMs(waiter.need) > 0 || isOverdue(waiter, limiter)) first = waiter.turn;
  }
  return first;
}

function isOverdue({ sinceMs }: Waiter, { clock }: Limiter): boolean {
  return clock.monotonic() - sinceMs > longestPassingMs;
}

function nextMs(limiter: Limiter): number {
  let next = Number.POSITIVE_INFINITY;
  for (const queue of limiter.line.queues) {
    const waiter = firstOf(queue);
    const waitMs = waiter === undefined ? 0 : limiter.waitMs(waiter.need);
    if (waitMs > 0) next = Math.min(next, limiter.clock.monotonic() + waitMs);
  }
  return next;
}
