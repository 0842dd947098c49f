import type { Pattern } from "./pattern.ts";
import { fitsPattern } from "./pattern.ts";

const neverRead = new Set(["node_modules", "dist", "__pycache__", "bower_components"]);
const noise = /\.(?:map|min\.js|min\.css|lock|lockb)$|^(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml)$/;
const maxRules = 2000;
const maxLine = 500;

/** Tells whether an entry of a folder is passed over whatever `.gitignore` says: dot files, installed packages, build output, lock files. */
export function isPassedOver(name: string, isFolder: boolean): boolean {
  if (name.startsWith(".")) return true;
  return isFolder ? neverRead.has(name) : noise.test(name);
}

interface Name {
  readonly text: string;
  readonly characters: readonly string[];
}

/** Is one line of a `.gitignore`. */
export interface IgnoreRule {
  /** The folder of the `.gitignore` below the root, with a slash at its end; empty for the root. */
  readonly base: string;
  readonly names: Pattern<Name>;
  readonly negated: boolean;
  readonly foldersOnly: boolean;
}

/** Reads a `.gitignore`; `base` is its folder relative to the root, empty for the root itself. A line over 500 characters is left out. */
export function parseIgnore(text: string, base: string): readonly IgnoreRule[] {
  const lines = text.split(/\r?\n/).filter((line) => line.length <= maxLine);
  return lines.slice(0, maxRules).flatMap((line) => parseLine(line, base === "" ? "" : `${base}/`));
}

function parseLine(raw: string, base: string): readonly IgnoreRule[] {
  let line = raw.replace(/(?<!\\)[ \t]+$/, "");
  if (line.startsWith("#")) return [];
  const negated = line.startsWith("!");
  if (negated) line = line.slice(1);
  const foldersOnly = line.endsWith("/");
  if (foldersOnly) line = line.slice(0, -1);
  if (line === "") return [];
  // Without a slash in it, a pattern fits at any depth.
  const parts = line.includes("/") ? line.replace(/^\//, "").split("/") : ["**", line];
  const names = parts.map((part) => (part === "**" ? "run" : nameTest(part)));
  // A `**` at the end stands for all that is inside, not for the folder itself.
  if (parts.at(-1) === "**") names.push(() => true);
  return [{ base, names, negated, foldersOnly }];
}

/** Tells whether the rules leave out a path; the last rule that fits decides. */
export function isIgnored(path: string, isFolder: boolean, rules: readonly IgnoreRule[]): boolean {
  const namesOf = new Map<string, readonly Name[]>();
  for (let index = rules.length - 1; index >= 0; index--) {
    const rule = rules[index];
    if (rule === undefined || (rule.foldersOnly && !isFolder) || !path.startsWith(rule.base)) continue;
    const names = namesOf.get(rule.base) ?? splitPath(path.slice(rule.base.length));
    namesOf.set(rule.base, names);
    if (fitsPattern(rule.names, names)) return !rule.negated;
  }
  return false;
}

function splitPath(path: string): readonly Name[] {
  return path.split("/").map((text) => ({ text, characters: Array.from(text) }));
}

/** Makes the test of one name of a path, of what stands between two slashes of a rule. */
function nameTest(glob: string): (name: Name) => boolean {
  if (!/[*?[\\]/.test(glob)) return (name) => name.text === glob;
  const pattern = characterPattern(Array.from(glob));
  return (name) => fitsPattern(pattern, name.characters);
}

function characterPattern(glob: readonly string[]): Pattern<string> {
  const pattern: Pattern<string>[number][] = [];
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at] ?? "";
    const set = character === "[" ? characterSet(glob, at) : undefined;
    if (set !== undefined) {
      pattern.push(set.test);
      at = set.end;
    } else if (character === "*") pattern.push("run");
    else if (character === "?") pattern.push(() => true);
    else {
      const literal = character === "\\" ? (glob[++at] ?? character) : character;
      pattern.push((other) => other === literal);
    }
  }
  return pattern;
}

/** Reads a set such as `[a-z_]` or `[!0-9]`; undefined when no bracket closes it, for then the bracket stands for itself. */
function characterSet(
  glob: readonly string[],
  start: number,
): { readonly test: (character: string) => boolean; readonly end: number } | undefined {
  const negated = glob[start + 1] === "!" || glob[start + 1] === "^";
  const first = start + (negated ? 2 : 1);
  const ranges: (readonly [string, string])[] = [];
  for (let at = first; at < glob.length; at++) {
    if (glob[at] === "]" && at > first) {
      const test = (other: string): boolean => ranges.some(([low, high]) => low <= other && other <= high) !== negated;
      return { test, end: at };
    }
    if (glob[at] === "\\") at++;
    const low = glob[at] ?? "";
    const isRange = glob[at + 1] === "-" && at + 2 < glob.length && glob[at + 2] !== "]";
    if (isRange) at += 2;
    ranges.push([low, glob[at] ?? ""]);
  }
  return undefined;
}
