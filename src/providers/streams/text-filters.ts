import { baseErrors } from "../../base/index.ts";
import { createMatchFilter } from "./match-filter.ts";
import { type PartialPattern, partialPattern } from "./partial-pattern.ts";
import { type TextFilter, textTransform, type TextTransformOptions } from "./text-transform.ts";
import type { StreamTransform } from "./transform.ts";

/** Are the options of `redact`. Units: UTF-16 code units. */
export interface RedactOptions extends TextTransformOptions {
  /** Default `[redacted]`. */
  readonly replacement?: string | undefined;
  /** How long a beginning of a match is held (default 1,024); one that grows longer is redacted, to its end. */
  readonly maxHoldChars?: number | undefined;
}

/**
 * Makes a transform that replaces every match of some texts and regular expressions, also where it is split over several deltas.
 * It holds back only the tail that may still become a match.
 *
 * Errors: invalid_input for a pattern that is not for streams, see docs/streams.md.
 */
export function redact(patterns: readonly (string | RegExp)[], options: RedactOptions = {}): StreamTransform {
  const { replacement = "[redacted]" } = options;
  const prepared = patterns.map(partialPattern);
  const settings = {
    patterns: prepared,
    replacement: () => replacement,
    maxHoldChars: holdOf(prepared, options),
    whenTooLong: "replace",
  } as const;
  return textTransform("redact", () => createMatchFilter(settings), options);
}

/** Are the options of `replace`. Units: UTF-16 code units. */
export interface ReplaceOptions extends TextTransformOptions {
  /** How long a beginning of a match is held (default 1,024); one that grows longer is let go as it is. */
  readonly maxHoldChars?: number | undefined;
}

/** Makes a transform that puts `to`, or what it makes of the match, in the place of each match of `from`. Errors: as `redact`. */
export function replace(
  from: string | RegExp,
  to: string | ((match: string) => string),
  options: ReplaceOptions = {},
): StreamTransform {
  const patterns = [partialPattern(from)];
  const replacement = typeof to === "string" ? () => to : to;
  const maxHoldChars = holdOf(patterns, options);
  const settings = { patterns, replacement, maxHoldChars, whenTooLong: "release" } as const;
  return textTransform("replace", () => createMatchFilter(settings), options);
}

/** Says up to where text may go on: after a word, a sentence, a line, or as many UTF-16 code units as the function says. */
export type HoldBackBoundary = "word" | "sentence" | "line" | ((text: string) => number);

/** Are the options of `holdBack`. Units: UTF-16 code units. */
export interface HoldBackOptions extends TextTransformOptions {
  /** How much is held at most (default 4,096); then all of it goes on. */
  readonly maxHoldChars?: number | undefined;
}

/** Makes a transform that lets text go on only up to a boundary. At the end of a text, the rest of it goes on. */
export function holdBack(boundary: HoldBackBoundary, options: HoldBackOptions = {}): StreamTransform {
  const { maxHoldChars = 4_096 } = options;
  checkHold(maxHoldChars);
  const find = typeof boundary === "function" ? boundary : boundaries[boundary];
  return textTransform("holdBack", () => createHoldFilter(find, maxHoldChars), options);
}

/** Gives how much may be held: never less than a text that is looked for. */
function holdOf(
  patterns: readonly PartialPattern[],
  { maxHoldChars = 1_024 }: { readonly maxHoldChars?: number | undefined },
): number {
  checkHold(maxHoldChars);
  return Math.max(maxHoldChars, ...patterns.map(({ chars = 0 }) => chars));
}

function checkHold(maxHoldChars: number): void {
  if (Number.isInteger(maxHoldChars) && maxHoldChars > 0) return;
  throw baseErrors.create("invalid_input", "maxHoldChars of a transform must be a whole number from 1.", {
    details: { option: "maxHoldChars" },
  });
}

function createHoldFilter(find: (text: string) => number, maxHoldChars: number): TextFilter {
  let held = "";
  return {
    changed: false,
    push(text) {
      held += text;
      const at = held.length > maxHoldChars ? held.length : Math.max(0, Math.min(held.length, find(held)));
      const out = held.slice(0, at);
      held = held.slice(at);
      return out;
    },
    end() {
      const out = held;
      held = "";
      return out;
    },
  };
}

/** Scripts without spaces: each of their characters may be the last of a word. */
const wordEnd = /[\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const sentenceEnd = /[.!?…]["'”’»)\]]*\s+|[。！？]|\n/g;

const boundaries = {
  line: (text: string) => text.lastIndexOf("\n") + 1,
  word(text: string) {
    for (let at = text.length; at > 0; at--) if (wordEnd.test(text.charAt(at - 1))) return at;
    return 0;
  },
  sentence(text: string) {
    let end = 0;
    for (const match of text.matchAll(sentenceEnd)) end = match.index + match[0].length;
    return end;
  },
} as const;
