/** Says how many at once, and when to stop. */
export interface ForEachOptions {
  readonly atOnce: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Works through items, a bounded number at once.
 *
 * Order: they begin in theirs. Errors: the first one, or the abort; no further item is begun then, and those under way end first.
 */
export async function forEach<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
  { atOnce, signal }: ForEachOptions,
): Promise<void> {
  // One iterator for all workers: each takes what none has taken.
  const rest = Iterator.from(items);
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true && failures.length === 0; next = rest.next()) {
      signal?.throwIfAborted();
      await work(next.value);
    }
  };
  await Promise.all(
    Array.from({ length: atOnce }, () => worker().catch((error: unknown) => void failures.push(error))),
  );
  if (failures.length > 0) throw failures[0];
}
