/** Gives out a fixed number of places; who comes when all are taken waits. Order: first come, first served. */
export interface Slots {
  /** Takes a place. Errors: the signal's reason when it aborts first; the place then goes to the next. */
  acquire(signal?: AbortSignal): Promise<Slot>;
  readonly taken: number;
  readonly waiting: number;
  /** Resolves when no place is taken. */
  idle(): Promise<void>;
  /** Sends away who waits, with this reason. */
  dismiss(reason: unknown): void;
}

/** Is a place that was taken. Disposing of it more than once gives it back once. */
export type Slot = Disposable;

interface Waiter {
  take(slot: Slot): void;
  leave(reason: unknown): void;
}

/** Makes slots. */
export function createSlots(count: number): Slots {
  const queue = new Set<Waiter>();
  let taken = 0;
  let settled: (() => void)[] = [];

  const open = (): Slot => {
    let held = true;
    return {
      [Symbol.dispose]() {
        if (!held) return;
        held = false;
        release();
      },
    };
  };
  const release = (): void => {
    const [next] = queue;
    if (next !== undefined) {
      queue.delete(next);
      return next.take(open());
    }
    taken--;
    if (taken > 0) return undefined;
    const wake = settled;
    settled = [];
    for (const resolve of wake) resolve();
    return undefined;
  };
  return {
    get taken() {
      return taken;
    },
    get waiting() {
      return queue.size;
    },
    async acquire(signal) {
      signal?.throwIfAborted();
      if (taken < count) {
        taken++;
        return open();
      }
      return await wait(queue, signal);
    },
    dismiss(reason) {
      for (const waiter of queue) waiter.leave(reason);
    },
    async idle() {
      if (taken > 0) await new Promise<void>((resolve) => settled.push(resolve));
    },
  };
}

function wait(queue: Set<Waiter>, signal: AbortSignal | undefined): Promise<Slot> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      queue.delete(waiter);
      signal?.removeEventListener("abort", abort);
    };
    const waiter: Waiter = {
      take(slot) {
        end();
        resolve(slot);
      },
      leave(reason) {
        end();
        reject(reason);
      },
    };
    const abort = (): void => waiter.leave(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    queue.add(waiter);
  });
}
