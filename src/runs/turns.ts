/**
 * Makes a turnstile that lets so many through in one turn of the event loop, and makes the others wait for the next turns: what is
 * awakened together goes on in step, and all that each of them makes on its way is alive at once. Gives undefined, at no cost, to those
 * that may go on.
 *
 * Order: as they came.
 */
export function createTurns(atOnce: number): () => Promise<void> | undefined {
  const waiting: (() => void)[] = [];
  let passed = 0;
  const next = (): void => {
    const woken = waiting.splice(0, atOnce);
    passed = woken.length;
    for (const wake of woken) wake();
    if (passed > 0) setImmediate(next);
  };
  return () => {
    if (passed === 0) setImmediate(next);
    if (passed === atOnce) return new Promise((resolve) => void waiting.push(resolve));
    passed++;
    return undefined;
  };
}
