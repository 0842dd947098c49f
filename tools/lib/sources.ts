import { readFile, readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { parseSync } from "oxc-parser";
import type { ParseResult } from "oxc-parser";
import { root } from "./process.ts";

/** Is one source file; `path` is relative to the repository, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Reads the TypeScript files below a folder of the repository; a folder that is not there has none. Order: by path. */
export async function readSources(folder: string): Promise<readonly Source[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).split(sep).join("/"))
    .sort();
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), "utf8") })));
}

/** Tells whether a path is a test. */
export function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}

/** Parses a source; throws when it is not TypeScript, so that no check passes on a file that it could not read. */
export function parse(source: Source): ParseResult {
  const result = parseSync(source.path, source.text, { lang: "ts" });
  const [error] = result.errors;
  if (error) throw new Error(`${source.path} cannot be parsed: ${error.message}`);
  return result;
}

/** Gives the number of the line that holds an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
