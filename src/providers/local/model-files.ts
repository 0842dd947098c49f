import { open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { LocalFailure } from "./engine.ts";

/** Says where model files are: one file, a folder of them, or files by the names that their models shall have. */
export type ModelFiles = { readonly path: string } | { readonly models: Readonly<Record<string, string>> };

const extension = ".gguf";

/** Lists the names of the models whose files are there. */
export async function listModelFiles(files: ModelFiles): Promise<readonly string[]> {
  return [...(await findModelFiles(files)).keys()];
}

/**
 * Finds the file of a model and sees that it is one.
 *
 * Errors: LocalFailure `not_found` when there is no such file, `file_invalid` when it is no GGUF file.
 */
export async function findModelFile(files: ModelFiles, name: string): Promise<string> {
  const found = await findModelFiles(files);
  const path = found.get(name);
  if (path === undefined) {
    const names = [...found.keys()].slice(0, 10).join(", ");
    throw new LocalFailure("not_found", `has no file; there is ${names === "" ? "no model file at all" : names}`);
  }
  await checkHead(path);
  return path;
}

async function findModelFiles(files: ModelFiles): Promise<ReadonlyMap<string, string>> {
  if ("models" in files) {
    const entries = Object.entries(files.models);
    const there = await Promise.all(entries.map(async ([, path]) => (await kindOf(path)) === "file"));
    return new Map(entries.filter((_, index) => there[index] === true));
  }
  const { path } = files;
  const kind = await kindOf(path);
  if (kind === "file") return new Map([[nameOf(path), path]]);
  if (kind === undefined) return new Map();
  const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith(extension)).toSorted();
  return new Map(names.map((name) => [nameOf(name), join(path, name)]));
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  return found.isDirectory() ? "folder" : "file";
}

function nameOf(path: string): string {
  const name = basename(path);
  return name.toLowerCase().endsWith(extension) ? name.slice(0, -extension.length) : name;
}

const headBytes = 24;
const newestVersion = 3;
/** More tensors or fields than any model has: who believes such a number reads for ever. */
const maxEntries = 1_000_000n;

/** Reads the head of a file: the mark, the version, and how many tensors and fields there shall be. */
async function checkHead(path: string): Promise<void> {
  await using file = await open(path).catch((cause: unknown) => {
    throw new LocalFailure("file_invalid", "has a file that cannot be read; check who may read it", cause);
  });
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  const version = buffer.readUInt32LE(4);
  const counts = [buffer.readBigUInt64LE(8), buffer.readBigUInt64LE(16)];
  const marked = bytesRead === headBytes && buffer.toString("latin1", 0, 4) === "GGUF";
  if (marked && version > 0 && version <= newestVersion && counts.every((count) => count <= maxEntries)) return;
  throw new LocalFailure("file_invalid", "has a file that is no GGUF file; download it again, or convert the model");
}
