import type { Clock } from "../../base/index.ts";

/** Does something when its time has come. */
export interface Timekeeper extends AsyncDisposable {
  /** Looks now, or after a second if it has just looked: who asks often is answered once. */
  look(): void;
}

/** Is what a timekeeper does. `look` does what is due and tells when something is due next, if ever. */
export interface TimekeeperTask {
  readonly look: () => Promise<number | undefined>;
  readonly failed: (error: unknown) => void;
}

const restMs = 1_000;
/** Timers go by the monotonic clock: this is how long a jump of the wall clock can stay unseen. */
const longestMs = 30_000;

/** Makes a timekeeper. It sleeps until the next time that it was told of; with nothing due it does not wake. */
export function keepTime(clock: Clock, task: TimekeeperTask): Timekeeper {
  const closed = new AbortController();
  let alarm: AbortController | undefined;
  let looking: Promise<void> | undefined;
  let again = false;
  let restsUntil = -Infinity;

  const arm = (ms: number): void => {
    if (closed.signal.aborted) return;
    alarm?.abort();
    const mine = new AbortController();
    alarm = mine;
    clock.sleep(ms, { signal: mine.signal, keepAlive: false }).then(
      () => begin(),
      () => {},
    );
  };
  const begin = (): void => {
    if (closed.signal.aborted) return;
    alarm?.abort();
    if (looking) {
      again = true;
      return;
    }
    restsUntil = clock.monotonic() + restMs;
    looking = lookOnce().finally(() => {
      looking = undefined;
      if (!again) return;
      again = false;
      begin();
    });
  };
  const lookOnce = async (): Promise<void> => {
    try {
      const next = await task.look();
      if (next !== undefined) arm(Math.max(0, Math.min(longestMs, next - clock.now())));
    } catch (error) {
      task.failed(error);
      arm(longestMs);
    }
  };
  return {
    look() {
      const left = restsUntil - clock.monotonic();
      if (left <= 0) begin();
      else arm(left);
    },
    async [Symbol.asyncDispose]() {
      closed.abort();
      alarm?.abort();
      await looking;
    },
  };
}
