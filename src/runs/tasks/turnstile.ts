import type { Clock } from "../../base/index.ts";
import type { Database, SqlValue } from "../../storage/index.ts";
import type { QueueLimits } from "../queues.ts";
import type { TurnWish } from "../queue/turns.ts";

/** Gives out turns to the runs that enter queues. */
export interface Turnstile {
  /** Order: the turns are in the order of the wishes. */
  take(wishes: readonly Omit<TurnWish, "weight">[]): Promise<readonly number[]>;
}

interface Asked {
  readonly wishes: readonly Omit<TurnWish, "weight">[];
  readonly resolve: (turns: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

const weightsForMs = 1_000;

/**
 * Makes the turnstile of an engine. Turns are given out in a write of their own, before the runs' rows: a crash between the two
 * loses numbers and nothing else. One write is under way at a time; who comes meanwhile shares the next.
 *
 * Cost: one row for each tenant that asks, however many runs it starts meanwhile.
 */
export function createTurnstile(database: Database, clock: Clock): Turnstile {
  const known = new Map<string, { readonly weights: QueueLimits["weights"]; readonly until: number }>();
  let waiting: Asked[] = [];
  let busy = false;

  const weightsOf = async (queue: string): Promise<QueueLimits["weights"]> => {
    const kept = known.get(queue);
    if (kept && kept.until > clock.monotonic()) return kept.weights;
    const rows = await database.read({ sql: "SELECT limits FROM run_queue WHERE name = ?", params: [queue] });
    const { weights } = readLimits(rows[0]?.["limits"]);
    known.set(queue, { weights, until: clock.monotonic() + weightsForMs });
    return weights;
  };
  const give = async (asked: readonly Asked[]): Promise<void> => {
    const wishes: TurnWish[] = [];
    for (const wish of asked.flatMap((each) => each.wishes))
      wishes.push({ ...wish, weight: (await weightsOf(wish.queue))?.[wish.tenant ?? ""] });
    const { allotTurns } = await import("../queue/turns.ts");
    const turns = await allotTurns(database, wishes);
    let from = 0;
    for (const { wishes: mine, resolve } of asked) resolve(turns.slice(from, (from += mine.length)));
  };
  const pump = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    while (waiting.length > 0) {
      const asked = waiting;
      waiting = [];
      await give(asked).catch((error: unknown) => {
        for (const { reject } of asked) reject(error);
      });
    }
    busy = false;
  };
  return {
    take(wishes) {
      if (wishes.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        waiting.push({ wishes, resolve, reject });
        void pump();
      });
    },
  };
}

/** Reads what a queue's row says of its limits. */
export function readLimits(text: SqlValue | undefined): QueueLimits {
  return typeof text === "string" ? (JSON.parse(text) as QueueLimits) : {};
}
