import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import type { Random } from "./random.ts";
import { systemRandom } from "./random.ts";

const codes = Array.from("0123456789abcdefghjkmnpqrstvwxyz", (letter) => letter.charCodeAt(0));
const timeLength = 10;
/** Is filled anew for each id. */
const text = Array.from({ length: timeLength + 12 }, () => 0);

/** Names the two sources an id is made of. */
export interface IdSources {
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Makes a prefixed id such as `run_01jd…`: 10 characters of time in milliseconds, then 12 of chance, in lower-case base 32.
 *
 * Order: ids of one prefix sort by the millisecond of their making.
 */
export function newId(prefix: string, sources: IdSources = {}): string {
  const { clock = systemClock, random = systemRandom } = sources;
  let time = Math.floor(clock.now());
  for (let index = timeLength - 1; index >= 0; index--) {
    text[index] = codes[time % 32] ?? 0;
    time = Math.floor(time / 32);
  }
  for (let index = timeLength; index < text.length; index++) text[index] = codes[Math.floor(random.next() * 32)] ?? 0;
  return `${prefix}_${String.fromCharCode(...text)}`;
}

/** Tells whether a text has the form of an id with this prefix; checked at every edge before an id is used. */
export function isId(prefix: string, text: string): boolean {
  return text.length <= prefix.length + 1 + 64 && text.startsWith(`${prefix}_`) && /^[a-z]+_[0-9a-z]+$/.test(text);
}
