/**
 * Is what a run passes before each new thing that it does. A pause closes it; what is under way behind it goes on to its end.
 * `changes` counts up at each change, so that whoever looked elsewhere in between can tell that its answer is old.
 */
export class Gate {
  #closed: PromiseWithResolvers<void> | undefined;
  readonly #listeners = new Set<() => void>();
  changes = 0;

  /** Makes a gate; a run that is taken up paused begins behind a closed one. */
  constructor(isClosed = false) {
    if (isClosed) this.close();
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Says the same as `isClosed` to whatever reads a stream: it holds still while the run is paused. */
  get paused(): boolean {
    return this.isClosed;
  }

  /** Calls the listener after each change; what it gives back takes the listener away. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.changes++;
    this.#closed ??= Promise.withResolvers();
    for (const listener of this.#listeners) listener();
  }

  open(): void {
    this.changes++;
    this.#closed?.resolve();
    this.#closed = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** Waits until the gate is open; undefined, at no cost, when it is. An abort rejects with the signal's reason. */
  passed(signal: AbortSignal): Promise<void> | undefined {
    return this.#closed === undefined ? undefined : this.#opened(signal);
  }

  async #opened(signal: AbortSignal): Promise<void> {
    while (this.#closed !== undefined) {
      const aborted = Promise.withResolvers<void>();
      const abort = (): void => aborted.reject(signal.reason);
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
      try {
        await Promise.race([this.#closed.promise, aborted.promise]);
      } finally {
        signal.removeEventListener("abort", abort);
      }
    }
  }
}
