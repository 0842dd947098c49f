import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import type { Random } from "./random.ts";
import { systemRandom } from "./random.ts";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

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
  let head = "";
  for (let index = 0; index < 10; index++) {
    head = (alphabet[time % 32] ?? "0") + head;
    time = Math.floor(time / 32);
  }
  let tail = "";
  for (let index = 0; index < 12; index++) tail += alphabet[Math.floor(random.next() * 32)] ?? "0";
  return `${prefix}_${head}${tail}`;
}

/** Tells whether a text has the form of an id with this prefix; checked at every edge before an id is used. */
export function isId(prefix: string, text: string): boolean {
  return text.length <= prefix.length + 1 + 64 && text.startsWith(`${prefix}_`) && /^[a-z]+_[0-9a-z]+$/.test(text);
}
