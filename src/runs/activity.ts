/**
 * Knows whether a run does something or only waits: it waits when nothing of it is under way but durable waits (a sleep, a signal,
 * a decision, the pause before another attempt, a child that waits). Whoever gave it a place may give the place away meanwhile.
 */
export class Activity {
  readonly #changed: (isWaiting: boolean) => void;
  #working = 0;
  #waits = 0;
  #isWaiting = false;
  #isTold = false;
  #isOver = false;

  constructor(changed: (isWaiting: boolean) => void) {
    this.#changed = changed;
  }

  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Counts what is under way, up and down. */
  works(by: 1 | -1): void {
    this.#working += by;
    if (this.#waits > 0) this.#tell();
  }

  /** Waits for something durable. */
  async wait<T>(awaited: Promise<T>): Promise<T> {
    this.waits(1);
    try {
      return await awaited;
    } finally {
      this.waits(-1);
    }
  }

  /** Counts waits, up and down. */
  waits(by: 1 | -1): void {
    this.#waits += by;
    this.#tell();
  }

  /** Ends the telling: a run that has ended waits for nothing. */
  end(): void {
    if (this.#isWaiting) this.#changed(false);
    this.#isOver = true;
  }

  /** Tells a little later: what goes on at once has not waited. */
  #tell(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    queueMicrotask(() => {
      this.#isTold = false;
      const isWaiting = this.#waits > 0 && this.#working === 0;
      if (this.#isOver || isWaiting === this.#isWaiting) return;
      this.#isWaiting = isWaiting;
      this.#changed(isWaiting);
    });
  }
}
