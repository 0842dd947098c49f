/** Gathers what is given while a batch is under way into the next one. */
export interface Batches<Item> {
  /** Adds items; resolves when they are done. Errors: those of their batch. */
  add(items: readonly Item[]): Promise<void>;
  /** Waits until nothing is under way. */
  idle(): Promise<void>;
}

interface Waiting<Item> {
  readonly items: readonly Item[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const mostItems = 2_000;

/** Makes batches, of which one is carried out at a time. */
export function createBatches<Item>(carryOut: (items: readonly Item[]) => Promise<void>): Batches<Item> {
  const waiting: Waiting<Item>[] = [];
  let working: Promise<void> | undefined;

  const takeBatch = (): Waiting<Item>[] => {
    let count = 0;
    const end = waiting.findIndex(({ items }) => (count += items.length) > mostItems);
    return waiting.splice(0, end === -1 ? waiting.length : Math.max(1, end));
  };
  const work = async (): Promise<void> => {
    // Whoever adds in the same tick comes along.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = takeBatch();
      try {
        await carryOut(batch.flatMap(({ items }) => items));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    working = undefined;
  };
  return {
    add(items) {
      if (items.length === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        waiting.push({ items, resolve, reject });
        working ??= work();
      });
    },
    async idle() {
      await working;
    },
  };
}
