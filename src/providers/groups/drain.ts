import type { Clock } from "../../base/index.ts";
import type { StreamPart } from "../model.ts";

/** Reads answers to their end that nobody reads any more, to learn what they really used. Bounded in time and number. */
export interface Drain {
  /** Answers that are being read. */
  readonly active: number;
  /**
   * Takes an answer over; false when there are too many. `see` gets each part that still comes; `done` is called once, when
   * the answer has ended or its time is over, after `stop`.
   */
  take(answer: DrainedAnswer): boolean;
}

/** Is an answer that nobody reads. `pending` is a part that was asked for already. */
export interface DrainedAnswer {
  readonly parts: AsyncIterator<StreamPart>;
  readonly pending: Promise<IteratorResult<StreamPart>> | undefined;
  see(part: StreamPart): void;
  /** Closes the connection. */
  stop(): void;
  done(): void;
}

/** Makes a drain. Units: `maxMs` milliseconds for each answer. */
export function createDrain(
  options: "drain" | { readonly drain: { readonly maxMs?: number; readonly maxCalls?: number } },
  clock: Clock,
): Drain {
  const { maxMs = 30_000, maxCalls = 8 } = options === "drain" ? {} : options.drain;
  let active = 0;
  const read = async (answer: DrainedAnswer): Promise<void> => {
    const { parts, pending } = answer;
    for (let next = await (pending ?? parts.next()); next.done !== true; next = await parts.next()) {
      answer.see(next.value);
    }
  };
  const run = async (answer: DrainedAnswer): Promise<void> => {
    const over = new AbortController();
    try {
      const reading = read(answer);
      const limit = clock.sleep(maxMs, { signal: over.signal, keepAlive: false });
      // Whichever loses the race fails unheard: the reading when it is stopped, the sleep when it is woken.
      limit.catch(() => {});
      reading.catch(() => {});
      await Promise.race([reading, limit]);
    } catch {
      // A failure ends it as well; what had come by then is what is known.
    } finally {
      over.abort();
      answer.stop();
      active--;
      answer.done();
    }
  };
  return {
    get active() {
      return active;
    },
    take(answer) {
      if (active >= maxCalls) return false;
      active++;
      void run(answer);
      return true;
    },
  };
}
