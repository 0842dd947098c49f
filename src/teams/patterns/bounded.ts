/**
 * Does something for each item, at most `places` at once. Items begin in their order, so that what they ask for has the same names
 * whenever the run is taken up again. After a failure no further item begins, and it is thrown once all have ended.
 *
 * Order: results in the order of the items.
 */
export async function eachBounded<Item, Result>(
  items: readonly Item[],
  places: number,
  act: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<number, Result>();
  const failures: unknown[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      const [item] = items.slice(index, index + 1);
      if (item === undefined) continue;
      try {
        results.set(index, await act(item, index));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(places, items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
}
