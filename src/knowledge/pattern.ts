/** Is a pattern of a sequence: a function takes one item that it accepts, `run` any number of items, also none. */
export type Pattern<T> = readonly (((item: T) => boolean) | "run")[];

/**
 * Tells whether a pattern fits a whole sequence.
 *
 * Cost: at most the product of both lengths. After a misfit only the last run grows by one item: an earlier run that took more
 * would leave the later ones no more than they can reach now.
 */
export function fitsPattern<T extends string | object>(pattern: Pattern<T>, items: readonly T[]): boolean {
  let step = 0;
  let at = 0;
  let run: { readonly step: number; at: number } | undefined;
  while (at < items.length) {
    const wanted = pattern[step];
    const item = items[at];
    if (wanted === "run") run = { step: step++, at };
    else if (wanted !== undefined && item !== undefined && wanted(item)) {
      step++;
      at++;
    } else if (run !== undefined) {
      step = run.step + 1;
      at = ++run.at;
    } else return false;
  }
  while (pattern[step] === "run") step++;
  return step === pattern.length;
}
