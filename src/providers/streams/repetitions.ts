/** Is a set of characters, as one bit for each of some samples. */
export type CharacterSet = bigint;

/** Is one item of a pattern: what characters it takes, whether it must be there, and how many lengths it can have. */
export interface PatternItem {
  readonly set: CharacterSet;
  readonly least: number;
  readonly most: number;
}

/** Is a repetition that what follows may share its characters with. `ways`: in how many ways it and those before it can share them. */
interface Live {
  readonly set: CharacterSet;
  readonly ways: number;
  /** Is what must stand between it and what follows. */
  readonly between: readonly CharacterSet[];
}

/** Is where a walk over a pattern stands. */
export type Reach = readonly Live[];

/** Counts for a repetition without an end: more would be two of them. */
const endless = 1_000;
const maxWays = 4 * endless;

/** Is what every character is in: a place in the text that may not be the right one, such as the end of a word. */
export const anyCharacter: CharacterSet = -1n;

/**
 * Goes one item on; undefined when a text can be shared in too many ways between repetitions that take the same characters, which
 * are all tried when the item that must follow is not there: `a*a*b` takes the cube of the length of a text without a `b`.
 */
export function reachAfter(before: Reach, { set, least, most }: PatternItem): Reach | undefined {
  if (least > 0 && before.some(({ ways }) => ways > maxWays)) return undefined;
  const lengths = Math.min(endless, most - least + 1);
  const taking = before.filter((live) => (live.set & set) !== 0n);
  const rest = least > 0 ? taking.map((live) => ({ ...live, between: [...new Set([...live.between, set])] })) : before;
  if (lengths === 1) return rest;
  // Behind something that it does not take itself, a repetition begins at few places.
  const sharing = taking.filter(({ between }) => between.every((each) => (each & set) !== 0n));
  const ways = lengths * Math.max(1, ...sharing.map((live) => live.ways));
  return [...rest, { set, ways, between: [] }];
}

/** Joins where ways through a pattern have led. Cost: what it gives has no more entries than the pattern has repetitions and ways. */
export function joinReaches(reaches: readonly Reach[]): Reach {
  const joined = new Map<string, Live>();
  for (const live of reaches.flat()) {
    const key = `${live.set} ${live.ways}`;
    const known = joined.get(key)?.between ?? live.between;
    joined.set(key, { ...live, between: live.between.filter((set) => known.includes(set)) });
  }
  return [...joined.values()];
}

/** Makes a reader of character sets for a pattern: its own characters are among the samples. */
export function characterSets(source: string, flags: string): (atom: string) => CharacterSet {
  const latin = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  const samples = [...new Set([...latin, "\u0416", "\u4E2D", "\u2003", "\u{1F600}", ...Array.from(source)])];
  return (atom) => {
    const pattern = new RegExp(`^(?:${atom})$`, flags);
    let set = 0n;
    for (const [place, sample] of samples.entries()) if (pattern.test(sample)) set |= 1n << BigInt(place);
    // What takes none of the samples may take the same as anything.
    return set === 0n ? anyCharacter : set;
  };
}
