/** Lets the text of a model that continues another's answer through, without what it repeats of it. */
export interface SeamText {
  /** Gives what of the text may be shown now; it holds back what may still turn out to be a repetition. */
  push(text: string): string;
  /** Tells whether some text is held back. */
  readonly holds: boolean;
  /** Gives what was held back when no more text comes. */
  end(): string;
}

/** How far back a repetition is looked for, unless it is of the whole text. Units: UTF-16 code units. */
const tailChars = 4_000;
/** A repetition that is shorter may be meant, unless it begins with a word that was begun before. */
const leastChars = { exact: 32, loose: 12 };

/**
 * Makes the filter for one seam. `exact` is for models with prefill, which go on with the very next token: only a long
 * repetition is one then. Others were asked to go on, and tend to begin with the last words again.
 */
export function createSeamText(before: string, exact: boolean): SeamText {
  const least = exact ? leastChars.exact : leastChars.loose;
  // White space at the end is not sent to the model, which therefore gives it again.
  let spaces = before.length - before.trimEnd().length;
  let held = "";
  let open = true;
  const settle = (final: boolean): string => {
    const from = Math.max(0, before.length - tailChars);
    for (let at = 0; at < before.length; at = at === 0 ? Math.max(from, 1) : at + 1) {
      const rest = before.length - at;
      if (held.length < rest) {
        // Still the beginning of a repetition; at the end of the answer it was none.
        if (!final && before.startsWith(held, at)) return "";
        continue;
      }
      if (before.endsWith(held.slice(0, rest)) && counts(before, at, { least, exact })) return close(held.slice(rest));
    }
    return close(held);
  };
  const close = (text: string): string => {
    open = false;
    held = "";
    return text;
  };
  return {
    push(text) {
      if (!open) return text;
      held += text;
      while (spaces > 0 && held !== "" && held[0]?.trim() === "") {
        held = held.slice(1);
        spaces--;
      }
      if (held === "") return "";
      spaces = 0;
      return settle(false);
    },
    get holds() {
      return held !== "";
    },
    end: () => (open ? settle(true) : ""),
  };
}

function counts(
  before: string,
  at: number,
  { least, exact }: { readonly least: number; readonly exact: boolean },
): boolean {
  if (before.length - at >= least || (at === 0 && before.length > 3)) return true;
  if (exact) return false;
  const isWord = /[\p{L}\p{N}]/u;
  return isWord.test(before[at] ?? "") && !isWord.test(before[at - 1] ?? "");
}
