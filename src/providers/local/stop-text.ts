/** Lets text through until one of the stop texts comes, which is not shown. */
export interface StopText {
  /** Gives what can be shown now: all but an end that may be the beginning of a stop text. */
  push(text: string): string;
  /** Gives what was held back, when no more text comes. */
  flush(): string;
  /** Tells that a stop text has come; what follows is not shown. */
  readonly stopped: boolean;
}

/** Makes the filter for some stop texts. Empty ones stop nothing. */
export function createStopText(stops: readonly string[]): StopText {
  const wanted = stops.filter((stop) => stop !== "");
  let held = "";
  let stopped = false;
  return {
    get stopped() {
      return stopped;
    },
    push(text) {
      if (stopped) return "";
      const all = held + text;
      const found = wanted.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
      if (found.length > 0) {
        stopped = true;
        held = "";
        return all.slice(0, Math.min(...found));
      }
      const keep = wanted.reduce((longest, stop) => Math.max(longest, overlap(all, stop)), 0);
      held = all.slice(all.length - keep);
      return all.slice(0, all.length - keep);
    },
    flush() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}

/** Counts how many characters at the end of a text are the beginning of a stop text. */
function overlap(text: string, stop: string): number {
  for (let size = Math.min(text.length, stop.length - 1); size > 0; size--) {
    if (text.endsWith(stop.slice(0, size))) return size;
  }
  return 0;
}
