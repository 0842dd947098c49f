import type { Token } from "./scan-tokens.ts";

/** Says how many tokens in a row that stand somewhere else too are a copy: about seven lines. */
export const copiedTokens = 50;

/** Is what is kept of a file to find copies by: a number for each token, and its line. */
export interface Sketch {
  readonly values: Int32Array;
  readonly lines: Int32Array;
}

/** Makes the sketch of a file. Strings count as equal, so that a copy with another text is one. */
export function sketchOf(tokens: readonly Token[]): Sketch {
  const values = new Int32Array(tokens.length);
  const lines = new Int32Array(tokens.length);
  for (const [index, { kind, text, line }] of tokens.entries()) {
    values[index] = hashOf(kind === "string" ? '""' : text);
    lines[index] = line;
  }
  return { values, lines };
}

/**
 * Counts the lines that are copies: they lie in a run of tokens that stood before, in this file or another. The first of several copies is not
 * counted.
 *
 * Order: of files, so that the same files give the same count.
 * Cost: one entry of memory for each line.
 */
export function copiedLines(files: readonly Sketch[]): number {
  const seen = new Map<number, { readonly file: number; readonly at: number }>();
  const top = powerOf(copiedTokens);
  let count = 0;
  for (const [file, { values, lines }] of files.entries()) {
    const sums = prefixesOf(values);
    const copied = new Set<number>();
    for (let at = 0; at + copiedTokens <= values.length; at++) {
      if (at > 0 && lines[at] === lines[at - 1]) continue;
      const key = windowOf(sums, at, top);
      const first = seen.get(key);
      if (first === undefined) seen.set(key, { file, at });
      // A run that repeats within itself, as a table does, is no copy of itself.
      else if (first.file !== file || at - first.at >= copiedTokens) {
        for (let of = at; of < at + copiedTokens; of++) copied.add(lines[of] ?? 0);
      }
    }
    count += copied.size;
  }
  return count;
}

/** Two sums of 32 bits: together they are as good as never equal by chance. */
interface Sums {
  readonly a: Int32Array;
  readonly b: Int32Array;
}

const [baseA, baseB] = [0x01000193, 0x5bd1e995] as const;

function prefixesOf(values: Int32Array): Sums {
  const sums = { a: new Int32Array(values.length + 1), b: new Int32Array(values.length + 1) };
  for (const [index, value] of values.entries()) {
    sums.a[index + 1] = Math.imul(sums.a[index] ?? 0, baseA) + value;
    sums.b[index + 1] = Math.imul(sums.b[index] ?? 0, baseB) + Math.imul(value, 0x9e3779b1);
  }
  return sums;
}

function windowOf({ a, b }: Sums, at: number, top: { readonly a: number; readonly b: number }): number {
  const end = at + copiedTokens;
  const first = ((a[end] ?? 0) - Math.imul(a[at] ?? 0, top.a)) >>> 0;
  const second = ((b[end] ?? 0) - Math.imul(b[at] ?? 0, top.b)) >>> 11;
  return second * 2 ** 32 + first;
}

function powerOf(exponent: number): { readonly a: number; readonly b: number } {
  let [a, b] = [1, 1];
  for (let count = 0; count < exponent; count++) [a, b] = [Math.imul(a, baseA), Math.imul(b, baseB)];
  return { a, b };
}

function hashOf(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value | 0;
}
