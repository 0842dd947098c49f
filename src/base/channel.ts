/** Is a bounded queue between one or more writers and one reader. */
export interface Channel<T> extends AsyncIterable<T> {
  /** Adds an item; resolves when there is room again. Items sent after `close` are dropped. */
  send(item: T): Promise<void>;
  /** Adds an item if there is room; tells whether it was taken. */
  offer(item: T): boolean;
  /** Ends the channel; what is queued is still read, then the reader gets the error, if any. */
  close(error?: unknown): void;
  readonly size: number;
  readonly closed: boolean;
}

/**
 * Makes a channel that holds at most `capacity` items; `send` waits when it is full, so a slow reader slows its writers.
 * A reader that leaves the loop closes the channel.
 */
export function createChannel<T>(capacity = 64): Channel<T> {
  const items: T[] = [];
  let head = 0;
  let closed = false;
  let failure: { error: unknown } | undefined;
  let wakeReader: (() => void) | undefined;
  let writers: (() => void)[] = [];

  const wakeWriters = (): void => {
    const waiting = writers;
    writers = [];
    for (const wake of waiting) wake();
  };
  const take = (): T => {
    const item = items[head++] as T;
    if (head > 32 && head * 2 > items.length) {
      items.splice(0, head);
      head = 0;
    }
    return item;
  };
  const channel: Channel<T> = {
    get size() {
      return items.length - head;
    },
    get closed() {
      return closed;
    },
    offer(item) {
      if (closed || channel.size >= capacity) return false;
      items.push(item);
      wakeReader?.();
      return true;
    },
    async send(item) {
      if (closed) return;
      items.push(item);
      wakeReader?.();
      while (!closed && channel.size > capacity) await new Promise<void>((resolve) => writers.push(resolve));
    },
    close(error) {
      if (closed) return;
      closed = true;
      if (error !== undefined) failure = { error };
      wakeReader?.();
      wakeWriters();
    },
    async *[Symbol.asyncIterator]() {
      try {
        while (true) {
          while (channel.size > 0) {
            const item = take();
            if (writers.length > 0 && channel.size <= capacity) wakeWriters();
            yield item;
          }
          if (closed) {
            if (failure) throw failure.error;
            return;
          }
          await new Promise<void>((resolve) => (wakeReader = resolve));
          wakeReader = undefined;
        }
      } finally {
        channel.close();
        items.length = 0;
        head = 0;
      }
    },
  };
  return channel;
}
