import type { FollowOptions, RunEvent } from "./run.ts";
import { Tail } from "./tail.ts";
import type { TailReader, TailSource } from "./tail.ts";

/** Hands events from the writers of this process to its followers. */
export interface LiveLogs {
  publish(event: RunEvent): void;
  /** Tells whether anybody follows the run here, so that events nobody reads need not be made. */
  followed(runId: string): boolean;
  /** Makes the followers of the runs that are meant look at the store. */
  refresh(isMeant: (runId: string) => boolean): void;
  /** Gives the tail of a run's log, which all of its followers here share. */
  join(runId: string, source: TailSource, reader: TailReader): Tail;
  leave(runId: string, reader: TailReader): void;
}

/** Makes the hub of live logs. Cost: nothing for a run that nobody follows. */
export function createLiveLogs(): LiveLogs {
  const tails = new Map<string, Tail>();
  return {
    publish: (event) => tails.get(event.runId)?.publish(event),
    followed: (runId) => tails.has(runId),
    refresh(isMeant) {
      for (const [runId, tail] of tails) if (isMeant(runId)) tail.stale();
    },
    join(runId, source, reader) {
      const known = tails.get(runId);
      const tail = known === undefined || known.failure ? new Tail(runId, source) : known;
      tails.set(runId, tail);
      tail.readers.add(reader);
      if (tail !== known || tail.isOver) tail.stale();
      return tail;
    },
    leave(runId, reader) {
      const tail = tails.get(runId);
      if (!tail?.readers.delete(reader) || tail.readers.size > 0) return;
      tail.close();
      tails.delete(runId);
    },
  };
}

/** Is what following needs to know of the engine. */
export interface FollowSource extends TailSource {
  readonly live: LiveLogs;
}

const pageSize = 200;
/** How many entries a follower takes from the tail at once: what it holds while it is slow. */
const atOnce = 64;

/**
 * Follows a run's log: first from the store, then live, with no gap and no duplicate. Ends when the run is finished, or is
 * executed by no living process.
 *
 * Cost: a follower that reads slowly holds nothing; it goes back to the store for what the run's tail no longer keeps.
 */
export async function* followRun(
  source: FollowSource,
  runId: string,
  options: FollowOptions,
): AsyncGenerator<RunEvent> {
  const { live = true, signal, after = 0 } = options;
  if (live) yield* followLive(source, runId, { after, signal });
  else {
    for await (const event of source.journal.eventsAfter(runId, after)) {
      signal?.throwIfAborted();
      yield event;
    }
  }
}

async function* followLive(
  source: FollowSource,
  runId: string,
  { after, signal }: { readonly after: number; readonly signal: AbortSignal | undefined },
): AsyncGenerator<RunEvent> {
  let isWoken = false;
  let wake = (): void => {};
  const reader: TailReader = {
    wake() {
      isWoken = true;
      wake();
    },
  };
  const woken = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  const tail = source.live.join(runId, source, reader);
  signal?.addEventListener("abort", reader.wake);
  let last = after;
  let next = 0;
  // Transient events are for those who follow when they come.
  let seen = tail.end;
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (tail.failure) throw tail.failure.cause;
      isWoken = false;
      const { base } = tail;
      const kept = last >= (base ?? Infinity) ? tail.from(next, atOnce) : undefined;
      for (const { event, place } of kept ?? []) {
        next = place + 1;
        if (event.transient ? place < seen || event.seq < last : event.seq <= last) continue;
        seen = Math.max(seen, next);
        if (event.transient === undefined) last = event.seq;
        yield event;
        signal?.throwIfAborted();
      }
      if (kept !== undefined && kept.length > 0) continue;
      if (kept === undefined && base !== undefined) {
        // What the tail does not keep is in the store; from there it goes on with whatever the tail keeps by then.
        const page = await source.journal.events(runId, last, pageSize);
        next = 0;
        for (const event of page) {
          if (event.seq > (tail.base ?? base)) break;
          last = event.seq;
          yield event;
          signal?.throwIfAborted();
        }
        if (page.length < pageSize) last = Math.max(last, base);
        continue;
      }
      if (tail.isOver) return;
      if (!isWoken) await woken();
    }
  } finally {
    signal?.removeEventListener("abort", reader.wake);
    source.live.leave(runId, reader);
  }
}
