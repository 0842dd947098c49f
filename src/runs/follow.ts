import type { Clock } from "../base/index.ts";
import type { Journal } from "./journal.ts";
import type { FollowOptions, RunEvent } from "./run.ts";

/** Is one reader of a live log. Holds at most `capacity` events; a reader that is slower reads the store instead. */
interface Follower {
  readonly events: RunEvent[];
  /** True when something happened that is not in `events`. */
  stale: boolean;
  wake: () => void;
}

const capacity = 1_024;
/** How often a follower of another process's run looks whether that process is still alive; events come by hints. */
const livenessMs = 1_000;

/** Hands events from the writers of this process to its followers. */
export interface LiveLogs {
  publish(event: RunEvent): void;
  /** Tells whether anybody follows the run here, so that events nobody reads need not be made. */
  followed(runId: string): boolean;
  /** Makes the followers of the runs that are meant look at the store. */
  refresh(isMeant: (runId: string) => boolean): void;
  join(runId: string): Follower;
  leave(runId: string, follower: Follower): void;
}

/** Makes the hub of live logs. Cost: nothing for a run that nobody follows. */
export function createLiveLogs(): LiveLogs {
  const followers = new Map<string, Set<Follower>>();
  return {
    publish(event) {
      for (const follower of followers.get(event.runId) ?? []) {
        if (follower.events.length < capacity) follower.events.push(event);
        else follower.stale = true;
        follower.wake();
      }
    },
    followed: (runId) => followers.has(runId),
    refresh(isMeant) {
      for (const [runId, set] of followers) {
        if (!isMeant(runId)) continue;
        for (const follower of set) {
          follower.stale = true;
          follower.wake();
        }
      }
    },
    join(runId) {
      const follower: Follower = { events: [], stale: false, wake: () => {} };
      const set = followers.get(runId) ?? new Set();
      followers.set(runId, set.add(follower));
      return follower;
    },
    leave(runId, follower) {
      const set = followers.get(runId);
      set?.delete(follower);
      if (set?.size === 0) followers.delete(runId);
    },
  };
}

/** Is what following needs to know of the engine. */
export interface FollowSource {
  readonly journal: Journal;
  readonly live: LiveLogs;
  readonly clock: Clock;
  /** Tells where a run is executed: in this process, in another, later by whoever takes it from its queue, or nowhere. */
  readonly place: (runId: string) => Promise<"here" | "elsewhere" | "queued" | "nowhere">;
}

/**
 * Follows a run's log: first from the store, then live, with no gap and no duplicate. Ends when the run is finished, or is
 * executed by no living process.
 */
export async function* followRun(
  source: FollowSource,
  runId: string,
  options: FollowOptions,
): AsyncGenerator<RunEvent> {
  const { live = true, signal } = options;
  const follower = source.live.join(runId);
  let last = options.after ?? 0;
  try {
    while (true) {
      follower.stale = false;
      for await (const event of source.journal.eventsAfter(runId, last)) {
        signal?.throwIfAborted();
        last = event.seq;
        yield event;
      }
      const place = live ? await source.place(runId) : "nowhere";
      if (place === "nowhere") {
        for await (const event of source.journal.eventsAfter(runId, last)) yield event;
        return;
      }
      for await (const event of arriving(follower, place === "here" ? undefined : source.clock, signal)) {
        if (event.transient) {
          if (event.seq >= last) yield event;
          continue;
        }
        if (event.seq > last + 1) break;
        if (event.seq <= last) continue;
        last = event.seq;
        yield event;
      }
    }
  } finally {
    source.live.leave(runId, follower);
  }
}

/** Gives events as they are published, until the store must be looked at. With a clock, that is at least every second. */
async function* arriving(
  follower: Follower,
  clock: Clock | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunEvent> {
  while (true) {
    signal?.throwIfAborted();
    const events = follower.events.splice(0);
    yield* events;
    if (follower.stale) return;
    if (events.length === 0) await woken(follower, clock, signal);
    if (clock && follower.events.length === 0) return;
  }
}

async function woken(follower: Follower, clock: Clock | undefined, signal: AbortSignal | undefined): Promise<void> {
  const timer = new AbortController();
  try {
    await new Promise<void>((resolve) => {
      follower.wake = resolve;
      signal?.addEventListener("abort", () => resolve(), { signal: timer.signal });
      clock?.sleep(livenessMs, { signal: timer.signal }).then(resolve, () => {});
    });
  } finally {
    follower.wake = () => {};
    timer.abort();
  }
}
