import type { PartialPattern } from "./partial-pattern.ts";
import type { TextFilter } from "./text-transform.ts";

/** Are the options of `createMatchFilter`. Units: UTF-16 code units. */
export interface MatchFilterOptions {
  readonly patterns: readonly PartialPattern[];
  readonly replacement: (match: string) => string;
  /** How much may be held while it is not known whether it will be a match. */
  readonly maxHoldChars: number;
  /** What becomes of a beginning that grows longer: it is taken for a match, to its end, or it is let go. */
  readonly whenTooLong: "replace" | "release";
}

/** Is where a pattern matches; `open` when it touches the end of what has come, so that more text may change it. */
type Hit = { readonly start: number; readonly end: number; readonly open: boolean };

/** Bounds how much text the patterns see at once: none of them takes more than the square of it. */
const sliceChars = 1_024;

/**
 * Makes a filter that replaces matches, also those that come in pieces. It holds back only what may still become a match. Where
 * several patterns match, the first place counts, and there the longest match.
 */
export function createMatchFilter(options: MatchFilterOptions): TextFilter {
  return new MatchFilter(options);
}

class MatchFilter implements TextFilter {
  changed = false;
  readonly #options: MatchFilterOptions;
  /** The character before what is held: word boundaries look at it. */
  #before = "";
  #held = "";
  /** A match that was too long to be held: what goes on with it is swallowed. */
  #swallowing = "";
  /** The first half of a character whose second half has not come: patterns see whole characters only. */
  #half = "";

  constructor(options: MatchFilterOptions) {
    this.#options = options;
  }

  push(text: string): string {
    const half = this.#half;
    if (half === "" && text.length <= sliceChars && !endsInHalf(text)) return this.#step(text, false);
    const whole = half + text;
    let out = "";
    let at = 0;
    for (let end = 0; at < whole.length; at = end) {
      end = Math.min(whole.length, at + sliceChars);
      if (endsInHalf(whole.slice(at, end))) end += end < whole.length ? 1 : -1;
      if (end === at) break;
      out += this.#step(whole.slice(at, end), false);
    }
    this.#half = whole.slice(at);
    return out;
  }

  end(): string {
    const out = this.#step(this.#half, true);
    this.#half = "";
    this.#before = "";
    this.#swallowing = "";
    return out;
  }

  #step(slice: string, final: boolean): string {
    const text = this.#swallowing === "" ? slice : this.#swallow(slice);
    const work = this.#before + this.#held + text;
    let from = this.#before.length;
    let heldFrom = work.length;
    let out = "";
    for (let hit = this.#find(work, from, final); hit !== undefined; hit = this.#find(work, from, final)) {
      out += work.slice(from, hit.start);
      from = hit.start;
      if (hit.open) {
        heldFrom = from;
        break;
      }
      out += this.#replace(work.slice(hit.start, hit.end));
      from = hit.end;
    }
    out += work.slice(from, heldFrom);
    this.#before = work.slice(Math.max(0, heldFrom - 1), heldFrom);
    this.#held = work.slice(heldFrom);
    return this.#held.length > this.#options.maxHoldChars ? out + this.#letGo() : out;
  }

  #letGo(): string {
    const held = this.#held;
    this.#held = "";
    this.#before = held.slice(-1);
    if (this.#options.whenTooLong === "release") return held;
    this.#swallowing = this.#trim(held);
    return this.#replace(held);
  }

  /** Takes away what goes on with the match that was too long; gives the rest. */
  #swallow(slice: string): string {
    const context = this.#swallowing;
    const work = context + slice;
    const hit = this.#find(work, 0, false);
    if (hit?.start === 0 && hit.open) {
      this.#swallowing = this.#trim(work);
      this.#before = work.slice(-1);
      return "";
    }
    this.#swallowing = "";
    const end = hit?.start === 0 ? Math.max(hit.end, context.length) : context.length;
    this.#before = work.slice(end - 1, end);
    return work.slice(end);
  }

  /** Keeps the beginning and the end of a long match: its middle is a repetition, or nobody could write it down. */
  #trim(match: string): string {
    const half = Math.max(1, Math.floor(this.#options.maxHoldChars / 2));
    return match.length <= 2 * half ? match : match.slice(0, half) + match.slice(-half);
  }

  #replace(match: string): string {
    this.changed = true;
    return this.#options.replacement(match);
  }

  #find(work: string, from: number, final: boolean): Hit | undefined {
    let best: Hit | undefined;
    for (const { whole, partial, chars } of this.#options.patterns) {
      const hit = findOne(final ? whole : partial, work, from);
      if (hit === undefined || (best !== undefined && hit.start > best.start)) continue;
      const mayGrow = hit.end === work.length && hit.end - hit.start !== chars;
      const open = !final && (mayGrow || (hit.start === best?.start && best.open));
      if (best === undefined || hit.start < best.start || open || hit.end > best.end) best = { ...hit, open };
    }
    return best;
  }
}

function endsInHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00;
}

function findOne(expression: RegExp, work: string, from: number): Omit<Hit, "open"> | undefined {
  for (let at = from; at < work.length; at++) {
    expression.lastIndex = at;
    const match = expression.exec(work);
    if (match === null) return undefined;
    if (match[0] !== "") return { start: match.index, end: match.index + match[0].length };
    at = match.index;
  }
  return undefined;
}
