import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { languageOf } from "./scan-tokens.ts";
import type { Language } from "./scan-tokens.ts";

/** Is a program text of a workspace. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly language: Language;
}

/** Is what was read of a workspace; `left` counts the files that were too many or too large. */
export interface SourceFiles {
  readonly files: readonly SourceFile[];
  readonly left: number;
}

const skipped = new Set([
  "node_modules",
  "dist",
  "build",
  "out",
  "coverage",
  "vendor",
  "target",
  "__pycache__",
  "venv",
  "site-packages",
]);
const [maxFiles, maxFileBytes, maxAllBytes] = [5_000, 512 * 1024, 32 * 1024 * 1024];

/** Reads the programs below a folder; not what others wrote or tools made, nothing hidden, and nothing that a link leads to. Order: by path. */
export async function sourceFiles(folder: string, signal: AbortSignal): Promise<SourceFiles> {
  const files: SourceFile[] = [];
  let [left, bytes] = [0, 0];
  const walk = async (path: string): Promise<void> => {
    signal.throwIfAborted();
    const entries = await readdir(path, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith(".") || skipped.has(entry.name)) continue;
      const below = join(path, entry.name);
      if (entry.isDirectory()) await walk(below);
      const language = entry.isFile() ? languageOf(entry.name) : undefined;
      if (language === undefined || isMade(entry.name)) continue;
      const { size } = await stat(below);
      if (files.length >= maxFiles || size > maxFileBytes || bytes + size > maxAllBytes) {
        left++;
        continue;
      }
      bytes += size;
      files.push({ path: below, text: await readFile(below, "utf8"), language });
    }
  };
  await walk(folder);
  return { files, left };
}

function isMade(name: string): boolean {
  return /\.d\.[cm]?ts$|\.min\.[cm]?js$|\.generated\.|_pb2\.py$|\.pb\.go$/.test(name);
}
