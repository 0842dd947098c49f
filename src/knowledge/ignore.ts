import { literalPattern } from "./words.ts";

const neverRead = new Set(["node_modules", "dist", "__pycache__", "bower_components"]);
const noise = /\.(?:map|min\.js|min\.css|lock|lockb)$|^(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml)$/;

/** Tells whether an entry of a folder is passed over whatever `.gitignore` says: dot files, installed packages, build output, lock files. */
export function isPassedOver(name: string, isFolder: boolean): boolean {
  if (name.startsWith(".")) return true;
  return isFolder ? neverRead.has(name) : noise.test(name);
}

/** Is one line of a `.gitignore`. */
export interface IgnoreRule {
  readonly pattern: RegExp;
  readonly negated: boolean;
  readonly foldersOnly: boolean;
}

/** Reads a `.gitignore`; `base` is its folder relative to the root, empty for the root itself. */
export function parseIgnore(text: string, base: string): readonly IgnoreRule[] {
  const rules: IgnoreRule[] = [];
  for (const raw of text.split(/\r?\n/).slice(0, 2000)) {
    let line = raw.replace(/(?<!\\)[ \t]+$/, "");
    if (line === "" || line.startsWith("#") || line.length > 500) continue;
    const negated = line.startsWith("!");
    if (negated) line = line.slice(1);
    const foldersOnly = line.endsWith("/");
    if (foldersOnly) line = line.slice(0, -1);
    const anchored = line.includes("/");
    if (line.startsWith("/")) line = line.slice(1);
    const prefix = base === "" ? "" : `${literalPattern(base)}/`;
    rules.push({
      pattern: new RegExp(`^${prefix}${anchored ? "" : "(?:.*/)?"}${globSource(line)}$`),
      negated,
      foldersOnly,
    });
  }
  return rules;
}

function globSource(glob: string): string {
  return glob.replace(/\*\*\/|\/\*\*|\*+|\?|\[!?[^\]/]+\]|\\.|[^*?[\\/]+|./g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "/**") return "/.*";
    if (part.startsWith("*")) return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.startsWith("[") && part.length > 2)
      return `[${part.slice(1, -1).replace(/^!/, "^").replaceAll("\\", "\\\\").replaceAll("[", "\\[")}]`;
    return literalPattern(part.startsWith("\\") ? part.slice(1) : part);
  });
}

/** Tells whether the rules leave out a path; the last rule that fits decides. */
export function isIgnored(path: string, isFolder: boolean, rules: readonly IgnoreRule[]): boolean {
  for (let index = rules.length - 1; index >= 0; index--) {
    const rule = rules[index];
    if (rule !== undefined && (isFolder || !rule.foldersOnly) && rule.pattern.test(path)) return !rule.negated;
  }
  return false;
}
