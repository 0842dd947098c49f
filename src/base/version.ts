import { baseErrors } from "./errors.ts";

type Identifier = string | number;

/** Is a version that was read: major, minor and patch, and what stands behind the hyphen. */
interface Version {
  readonly core: readonly [number, number, number];
  readonly pre: readonly Identifier[];
}

interface Comparator {
  readonly op: "<" | "<=" | ">" | ">=" | "=";
  readonly version: Version;
}

/** Is a version of which parts are left open, as `1.x`. */
type PartialVersion = { readonly parts: readonly number[]; readonly pre: readonly Identifier[] };

const number = "0|[1-9]\\d{0,15}";
const identifiers = "(?:0|[1-9]\\d*|\\d*[a-zA-Z-][\\da-zA-Z-]*)(?:\\.(?:0|[1-9]\\d*|\\d*[a-zA-Z-][\\da-zA-Z-]*))*";
const build = "(?:\\+[\\da-zA-Z-]+(?:\\.[\\da-zA-Z-]+)*)?";
const versionForm = new RegExp(`^(${number})\\.(${number})\\.(${number})(?:-(${identifiers}))?${build}$`);
const open = `${number}|[xX*]`;
const partialForm = new RegExp(`^(${open})(?:\\.(${open})(?:\\.(${open})(?:-(${identifiers}))?${build})?)?$`);
const longest = 256;

/** Tells whether a text is a semantic version, as in `1.4.0` or `2.0.0-beta.1`. Source: Semantic Versioning 2.0.0. */
export function isVersion(text: string): boolean {
  return readVersion(text) !== undefined;
}

/** Tells whether a text is a range of versions, as in `^1.2.0`, `~1.2`, `>=1 <3`, `1.x`, `1.0 - 2.1`, `*` or two of them with `||` between. */
export function isVersionRange(text: string): boolean {
  return readRange(text) !== undefined;
}

/**
 * Compares two versions by precedence, for sorting: below 0 where the first is the older one.
 *
 * Errors: invalid_input for a text that is no version.
 */
export function compareVersions(one: string, other: string): number {
  return compare(versionOf(one), versionOf(other));
}

/**
 * Tells whether a version lies in a range. A version with a hyphen, as `2.0.0-beta.1`, does so only where the range names such a one
 * of the same `2.0.0`.
 *
 * Errors: invalid_input for a text that is no version or no range.
 */
export function satisfiesVersion(version: string, range: string): boolean {
  const read = versionOf(version);
  const sets = readRange(range);
  if (sets === undefined)
    throw baseErrors.create("invalid_input", `${JSON.stringify(range.slice(0, longest))} is no range of versions.`);
  return sets.some((set) => set.every((each) => holds(each, read)) && mayBePrerelease(set, read));
}

function versionOf(text: string): Version {
  const read = readVersion(text);
  if (read) return read;
  throw baseErrors.create("invalid_input", `${JSON.stringify(text.slice(0, longest))} is no version, as in "1.0.0".`);
}

function readVersion(text: string): Version | undefined {
  const found = text.length > longest ? null : versionForm.exec(text);
  if (found === null) return undefined;
  const core = [Number(found[1]), Number(found[2]), Number(found[3])] as const;
  return core.every(Number.isSafeInteger) ? { core, pre: identifiersOf(found[4]) } : undefined;
}

function identifiersOf(text: string | undefined): readonly Identifier[] {
  return (text?.split(".") ?? []).map((each) => (/^\d+$/.test(each) ? Number(each) : each));
}

function compare(one: Version, other: Version): number {
  for (const [index, part] of one.core.entries()) {
    const difference = part - (other.core[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (one.pre.length === 0 || other.pre.length === 0) return other.pre.length - one.pre.length;
  for (const [index, mine] of one.pre.entries()) {
    const theirs = other.pre[index];
    if (theirs === undefined) return 1;
    if (mine === theirs) continue;
    if (typeof mine !== typeof theirs) return typeof mine === "number" ? -1 : 1;
    return mine < theirs ? -1 : 1;
  }
  return one.pre.length - other.pre.length;
}

function holds({ op, version }: Comparator, tried: Version): boolean {
  const order = compare(tried, version);
  if (op === "=") return order === 0;
  return order === 0 ? op.length === 2 : op.startsWith("<") === order < 0;
}

function mayBePrerelease(set: readonly Comparator[], { core, pre }: Version): boolean {
  return (
    pre.length === 0 ||
    set.some(({ version }) => version.pre.length > 0 && version.core.every((part, index) => part === core[index]))
  );
}

function readRange(text: string): readonly (readonly Comparator[])[] | undefined {
  if (text.length > longest) return undefined;
  const sets: (readonly Comparator[])[] = [];
  for (const part of text.split("||")) {
    const set = readSet(part.trim());
    if (set === undefined) return undefined;
    sets.push(set);
  }
  return sets;
}

function readSet(text: string): readonly Comparator[] | undefined {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(text);
  if (hyphen !== null) return readBoth([`>=${hyphen[1]}`, `<=${hyphen[2]}`], /^[<>]=/);
  return readBoth(text.replaceAll(/([<>=~^])\s+/g, "$1").split(/\s+/), /^(?:[<>]=?|=|~|\^)?/);
}

function readBoth(texts: readonly string[], operator: RegExp): readonly Comparator[] | undefined {
  const set: Comparator[] = [];
  for (const text of texts) {
    const [op = ""] = operator.exec(text) ?? [];
    const partial = text === "" ? { parts: [], pre: [] } : readPartial(text.slice(op.length));
    if (partial === undefined) return undefined;
    set.push(...comparatorsOf(op, partial));
  }
  return set;
}

function readPartial(text: string): PartialVersion | undefined {
  const found = partialForm.exec(text);
  if (found === null) return undefined;
  const given = [found[1], found[2], found[3]];
  const end = given.findIndex((part) => part === undefined || /^[xX*]$/.test(part));
  const parts = (end === -1 ? given : given.slice(0, end)).map(Number);
  // Behind a part that is left open, all others are.
  const isOrdered =
    end === -1 || (given.slice(end).every((part) => Number.isNaN(Number(part))) && found[4] === undefined);
  return isOrdered && parts.every(Number.isSafeInteger) ? { parts, pre: identifiersOf(found[4]) } : undefined;
}

/** Writes what an operator says of a version, of which parts may be left open, as plain comparisons. */
function comparatorsOf(op: string, { parts, pre }: PartialVersion): readonly Comparator[] {
  const [major = 0, minor = 0, patch = 0] = parts;
  const low: Version = { core: [major, minor, patch], pre };
  const from: Comparator = { op: ">=", version: low };
  const below = (count: number): Comparator => ({ op: "<", version: after(low, count) });
  const isOpen = parts.length < 3;
  // Nothing is above or below every version.
  if (parts.length === 0) return op === "<" || op === ">" ? [{ op: "<", version: nothing }] : [];
  if (op === "^") return [from, below(caretPlace(parts))];
  if (op === "~") return [from, below(Math.min(parts.length, 2))];
  if (op === ">")
    return [isOpen ? { op: ">=", version: { ...after(low, parts.length), pre: [] } } : { op, version: low }];
  if (op === "<") return [{ op, version: isOpen ? { ...low, pre: [0] } : low }];
  if (op === ">=") return [from];
  if (op === "<=") return [isOpen ? below(parts.length) : { op, version: low }];
  return isOpen ? [from, below(parts.length)] : [{ op: "=", version: low }];
}

const nothing: Version = { core: [0, 0, 0], pre: [0] };

/** Gives which part of a version `^` holds: the first that is not 0, or the last that is given. Units: counts from 1. */
function caretPlace(parts: readonly number[]): number {
  const place = parts.findIndex((part) => part > 0) + 1;
  return place === 0 ? parts.length : place;
}

/** Gives the least version whose first parts are above those of another. */
function after({ core: [major, minor, patch] }: Version, count: number): Version {
  if (count === 1) return { core: [major + 1, 0, 0], pre: [0] };
  if (count === 2) return { core: [major, minor + 1, 0], pre: [0] };
  return { core: [major, minor, patch + 1], pre: [0] };
}
