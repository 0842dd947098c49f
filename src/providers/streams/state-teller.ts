import type { Pausing } from "../model.ts";
import { isOver, type StreamState } from "./state.ts";

type Listener = (state: StreamState) => void;

/** Tells those who want to know how the state of a stream changes. */
export class StateTeller {
  readonly #state: () => StreamState;
  readonly #listeners = new Set<Listener>();

  constructor(state: () => StreamState) {
    this.#state = state;
  }

  /** Is what the model itself is told. */
  readonly pausing: Pausing = ((teller: StateTeller): Pausing => ({
    get paused() {
      return teller.#state() === "paused";
    },
    onChange(listener) {
      let paused = this.paused;
      return teller.add((state) => {
        if ((state === "paused") === paused) return;
        paused = !paused;
        listener();
      });
    },
  }))(this);

  add(listener: Listener): () => void {
    // A new function each time: the same listener can be added twice, and taken away once.
    const entry: Listener = (state) => listener(state);
    if (!isOver(this.#state())) this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  tell(state: StreamState): void {
    if (this.#listeners.size === 0) return;
    for (const listener of this.#listeners) {
      try {
        listener(state);
      } catch (error) {
        // A fault of who looks on must not change the stream; it shows as the fault of an event listener does.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    if (isOver(state)) this.#listeners.clear();
  }

  async *states(): AsyncGenerator<StreamState, void, undefined> {
    let wake: (() => void) | undefined;
    const remove = this.add(() => wake?.());
    try {
      let told: StreamState | undefined;
      while (told === undefined || !isOver(told)) {
        const state = this.#state();
        if (state === told) await new Promise<void>((resolve) => (wake = resolve));
        else yield (told = state);
      }
    } finally {
      remove();
    }
  }
}
