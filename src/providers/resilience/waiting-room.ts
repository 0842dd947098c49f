import type { AtlasError, Clock } from "../../base/index.ts";
import { createAlarm } from "./alarm.ts";
import type { EnterOptions, GateNeed, GatePass } from "./gate.ts";
import type { Limiter, Queue, Waiter } from "./limiter.ts";
import { isFree, join, leave, nextTurn } from "./line.ts";

/** Is how a gate's waiting room takes part in its decisions. */
export interface Doors {
  readonly clock: Clock;
  readonly limiters: readonly Limiter[];
  /** Tells why nobody may go in, or why a need cannot within this time, whatever happens; undefined while there is hope. */
  hopeless(need: GateNeed, withinMs: number): AtlasError | undefined;
  /** Makes the error of one whose time is over. */
  late(need: GateNeed): AtlasError;
  /** Takes the places. Errors: gate_closed. */
  readonly take: (need: GateNeed) => GatePass;
}

/** Holds those who wait before one gate, each until it goes in, its time is over, its signal aborts, or there is no hope. */
export interface WaitingRoom {
  readonly size: number;
  /** Waits for a pass. Errors: those of the doors; the signal's reason. */
  wait(need: GateNeed, options: EnterOptions): Promise<GatePass>;
  /** Sends away those who have no hope any more. */
  review(): void;
}

interface Place {
  readonly waiter: Waiter;
  readonly deadlineMs: number;
  fail(error: unknown): void;
}

/** Makes a waiting room. Cost: one timer for all that wait in it. */
export function createWaitingRoom(doors: Doors): WaitingRoom {
  const { clock } = doors;
  const queue: Queue = { limiters: doors.limiters, waiters: new Set() };
  const places = new Set<Place>();
  const alarm = createAlarm(clock, () => {
    for (const place of places) if (place.deadlineMs <= clock.monotonic()) place.fail(doors.late(place.waiter.need));
    alarm.set(firstDeadline(places));
  });
  const settled = (place: Place): void => {
    places.delete(place);
    if (places.size === 0) alarm.set(Number.POSITIVE_INFINITY);
  };
  return {
    get size() {
      return places.size;
    },
    async wait(need, { signal, maxWaitMs }) {
      signal?.throwIfAborted();
      if (isFree(doors.limiters, need)) return doors.take(need);
      const { promise, resolve, reject } = Promise.withResolvers<GatePass>();
      const place = createPlace(doors, { queue, need, maxWaitMs, signal, resolve, reject, settled });
      places.add(place);
      join(queue, place.waiter);
      if (places.has(place)) {
        const error = doors.hopeless(need, maxWaitMs) ?? (maxWaitMs <= 0 ? doors.late(need) : undefined);
        if (error === undefined) alarm.set(Math.min(place.deadlineMs, alarm.atMs));
        else place.fail(error);
      }
      return await promise;
    },
    review() {
      for (const place of places) {
        const error = doors.hopeless(place.waiter.need, place.deadlineMs - clock.monotonic());
        if (error !== undefined) place.fail(error);
      }
    },
  };
}

interface Visit extends EnterOptions {
  readonly queue: Queue;
  readonly need: GateNeed;
  readonly resolve: (pass: GatePass) => void;
  readonly reject: (error: unknown) => void;
  readonly settled: (place: Place) => void;
}

function createPlace({ clock, take }: Doors, visit: Visit): Place {
  const { queue, need, signal, maxWaitMs, resolve, reject, settled } = visit;
  const sinceMs = clock.monotonic();
  const done = (): void => {
    signal?.removeEventListener("abort", abort);
    settled(place);
  };
  const place: Place = {
    deadlineMs: sinceMs + maxWaitMs,
    waiter: {
      need,
      sinceMs,
      turn: nextTurn(),
      go: () => {
        done();
        try {
          resolve(take(need));
        } catch (error) {
          reject(error);
        }
      },
    },
    fail(error) {
      done();
      reject(error);
      leave(queue, place.waiter);
    },
  };
  const abort = (): void => place.fail(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  return place;
}

function firstDeadline(places: ReadonlySet<Place>): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { deadlineMs } of places) first = Math.min(first, deadlineMs);
  return first;
}
