import { isUtf8 } from "node:buffer";
import type { BigIntStats, Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { IgnoreRule } from "./ignore.ts";
import { isIgnored, isPassedOver, parseIgnore } from "./ignore.ts";
import { knowledgeErrors } from "./errors.ts";
import { notAFile, openFile, readStart } from "./file-bytes.ts";
import { showPath } from "./show-path.ts";

/** Is a file that was found. */
export interface FoundFile {
  /** The absolute path. */
  readonly path: string;
  /** The path below the folder that was named, with slashes; the file's name if the file itself was named. */
  readonly name: string;
  readonly signature: FileSignature;
  readonly sizeBytes: number;
  /** Whether the file itself was named, not a folder around it. */
  readonly named: boolean;
}

/** Changes whenever a file's content does; `size:mtime:ctime:inode`, times in nanoseconds. */
export type FileSignature = string;

/** Is a path that could not be read. */
export interface WalkFailure {
  readonly path: string;
  readonly cause: unknown;
}

/** Is all that stands under the named paths. */
export interface Walk {
  readonly roots: readonly string[];
  readonly files: readonly FoundFile[];
  readonly failures: readonly WalkFailure[];
}

interface Folder {
  readonly path: string;
  readonly name: string;
  readonly rules: readonly IgnoreRule[];
}

interface Entry {
  /** In a name that is not UTF-8, every byte beyond ASCII is written as `\xfe`. */
  readonly name: string;
  readonly isUtf8: boolean;
  readonly isFolder: boolean;
  readonly isFile: boolean;
}

const atOnce = 32;
/** Is how much of a `.gitignore` is read. Units: bytes. */
const maxIgnoreBytes = 65_536;

/**
 * Finds the files under the named paths. A named path may be a link; links below it are not followed: what they point at is
 * read at its own place if it is inside, and is none of ours if it is outside. So loops cannot be.
 *
 * Order: by path. Errors: knowledge_source_missing for a named path; anything below is a failure of the report.
 */
export async function walk(paths: readonly string[], signal?: AbortSignal): Promise<Walk> {
  const roots = [...new Set(paths.map((path) => resolve(path)))];
  const walker = new Walker(signal);
  for (const root of roots) await walker.root(root);
  const files = [...walker.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { roots, files, failures: walker.failures };
}

class Walker {
  readonly files = new Map<string, FoundFile>();
  readonly failures: WalkFailure[] = [];
  private readonly signal: AbortSignal | undefined;
  private readonly todo: (() => Promise<void>)[] = [];

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal;
  }

  async root(path: string): Promise<void> {
    const info = await stat(path, { bigint: true }).catch((cause: unknown) => {
      throw missing(path, cause);
    });
    if (!info.isDirectory()) return this.add({ path, name: basename(path), named: true }, info);
    this.todo.push(() => this.folder({ path, name: "", rules: [] }));
    await this.drain();
  }

  /** Works through folders and files, a bounded number at once. */
  private async drain(): Promise<void> {
    const worker = async (): Promise<void> => {
      for (let task = this.todo.pop(); task !== undefined; task = this.todo.pop()) {
        this.signal?.throwIfAborted();
        await task();
      }
    };
    while (this.todo.length > 0) await Promise.all(Array.from({ length: atOnce }, worker));
  }

  private async folder(folder: Folder): Promise<void> {
    let entries: readonly Entry[];
    try {
      entries = (await readdir(folder.path, { withFileTypes: true, encoding: "buffer" })).map(entryOf);
    } catch (cause) {
      this.failures.push({ path: folder.path, cause });
      return;
    }
    const rules = entries.some((entry) => entry.name === ".gitignore" && entry.isFile)
      ? [...folder.rules, ...(await readIgnore(folder))]
      : folder.rules;
    for (const entry of entries) {
      const path = join(folder.path, entry.name);
      const name = folder.name === "" ? entry.name : `${folder.name}/${entry.name}`;
      const { isFolder, isFile } = entry;
      if (isPassedOver(entry.name, isFolder) || isIgnored(name, isFolder, rules)) continue;
      if (!entry.isUtf8 && (isFolder || isFile)) this.failures.push({ path, cause: notUtf8(path) });
      else if (isFolder) this.todo.push(() => this.folder({ path, name, rules }));
      else if (isFile) this.todo.push(() => this.file(path, name));
    }
  }

  private async file(path: string, name: string): Promise<void> {
    try {
      this.add({ path, name, named: false }, await stat(path, { bigint: true }));
    } catch (cause) {
      // Gone since its folder was listed: the same as never seen.
      if (errnoOf(cause) !== "ENOENT") this.failures.push({ path, cause });
    }
  }

  private add(at: Pick<FoundFile, "path" | "name" | "named">, info: BigIntStats): void {
    const { path } = at;
    if (!info.isFile()) {
      this.failures.push({ path, cause: notAFile(path) });
      return;
    }
    const signature = `${info.size}:${info.mtimeNs}:${info.ctimeNs}:${info.ino}`;
    this.files.set(path, { ...at, signature, sizeBytes: Number(info.size) });
  }
}

/** Reads an entry by its bytes: as a text, a name that is not UTF-8 would be that of a file that does not exist. */
function entryOf(entry: Dirent<Buffer>): Entry {
  const valid = isUtf8(entry.name);
  const escape = (character: string): string => `\\x${character.charCodeAt(0).toString(16)}`;
  const name = valid ? entry.name.toString() : entry.name.toString("latin1").replace(/[\u0080-\u00ff]/g, escape);
  return { name, isUtf8: valid, isFolder: entry.isDirectory(), isFile: entry.isFile() };
}

function notUtf8(path: string): Error {
  return knowledgeErrors.create(
    "file_unreadable",
    `The name of ${showPath(path)} is not UTF-8, so no path can name it; rename it.`,
    { details: { path: showPath(path) } },
  );
}

async function readIgnore(folder: Folder): Promise<readonly IgnoreRule[]> {
  try {
    await using handle = (await openFile(join(folder.path, ".gitignore"))).handle;
    const text = new TextDecoder().decode(await readStart(handle, maxIgnoreBytes + 1));
    // A line that the limit cuts through would be another rule than the one that is meant.
    return parseIgnore(text.length > maxIgnoreBytes ? text.slice(0, text.lastIndexOf("\n") + 1) : text, folder.name);
  } catch {
    // Rules that cannot be read leave nothing out; the folder itself is still read.
    return [];
  }
}

function missing(path: string, cause: unknown): Error {
  const code = errnoOf(cause);
  if (code === "ENOENT" || code === "ENOTDIR") {
    return knowledgeErrors.create("knowledge_source_missing", `There is no file or folder ${showPath(path)}.`, {
      details: { path: showPath(path) },
    });
  }
  return knowledgeErrors.create("file_unreadable", `Cannot read ${showPath(path)} (${code}).`, {
    details: { path: showPath(path) },
    cause,
  });
}

/** Gives the system's name of a failure, such as EACCES. */
export function errnoOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
}
