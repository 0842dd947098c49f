import type { RaisedPoint } from "./message.ts";

/**
 * Is something that the feedback role found lacking. It keeps its id and stays open until it is closed. `open` is what a meter of
 * the debt of a text reads.
 */
export type FeedbackPoint = {
  readonly id: string;
  readonly text: string;
  readonly weight: number;
  readonly open: boolean;
  readonly closed: boolean;
  /** The round in which it was raised, and the one in which it was closed. */
  readonly raisedIn: number;
  readonly closedIn?: number;
  /** The step that it is about; a point about no step concerns all. */
  readonly step?: string;
};

/** Keeps the points of a run. */
export interface Points {
  readonly all: readonly FeedbackPoint[];
  readonly open: readonly FeedbackPoint[];
  /** Opens new points and opens again those that are named by an id; gives what is new or open again. */
  raise(points: readonly RaisedPoint[], round: number): readonly FeedbackPoint[];
  close(ids: readonly string[], round: number): readonly FeedbackPoint[];
}

/** How many points may be open: feedback must be able to name all of them in one message. */
const mostOpen = 256;

/** Makes an empty list of points. */
export function createPoints(): Points {
  const known = new Map<string, FeedbackPoint>();
  const isOpen = (point: FeedbackPoint): boolean => point.open;
  const countOpen = (): number => [...known.values()].filter(isOpen).length;
  return {
    get all() {
      return [...known.values()];
    },
    get open() {
      return [...known.values()].filter(isOpen);
    },
    raise(points, round) {
      const changed: FeedbackPoint[] = [];
      for (const { id, text, weight, step } of points) {
        // A point without an id is that of before if it says the same: else a role that repeats itself would flood the list.
        const before = (id === undefined ? undefined : known.get(id)) ?? sameAs(known.values(), text);
        if (before?.open === true || countOpen() >= mostOpen) continue;
        const made: FeedbackPoint = {
          id: before?.id ?? `f${known.size + 1}`,
          text,
          weight,
          open: true,
          closed: false,
          raisedIn: before?.raisedIn ?? round,
          ...(step === undefined ? {} : { step }),
        };
        known.set(made.id, made);
        changed.push(made);
      }
      return changed;
    },
    close(ids, round) {
      const changed: FeedbackPoint[] = [];
      for (const id of new Set(ids)) {
        const point = known.get(id);
        if (point?.open !== true) continue;
        const made: FeedbackPoint = { ...point, open: false, closed: true, closedIn: round };
        known.set(id, made);
        changed.push(made);
      }
      return changed;
    },
  };
}

/** Gives the share of the weight that is closed: 1 where nothing was found lacking. */
export function closedShare(points: readonly FeedbackPoint[]): number {
  const weigh = (list: readonly FeedbackPoint[]): number => list.reduce((sum, { weight }) => sum + weight, 0);
  const whole = weigh(points);
  return whole === 0 ? 1 : weigh(points.filter(({ closed }) => closed)) / whole;
}

function sameAs(points: Iterable<FeedbackPoint>, text: string): FeedbackPoint | undefined {
  for (const point of points) if (point.text === text) return point;
  return undefined;
}
