import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { knowledgeErrors } from "./errors.ts";
import { showPath } from "./show-path.ts";

/** Is how much of a file is read at once. Units: bytes. */
export const partBytes = 1024 * 1024;

/**
 * Opens a file for reading, at once even where it is a pipe or a device: to open or read those could wait for ever.
 *
 * Errors: file_unreadable when it is no regular file, those of the file system.
 */
export async function openFile(path: string): Promise<{ readonly handle: FileHandle; readonly sizeBytes: number }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const info = await handle.stat();
    if (info.isFile()) return { handle, sizeBytes: info.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  throw notAFile(path);
}

/** Makes the error for a path where a file or folder was wanted and something else is. */
export function notAFile(path: string): Error {
  return knowledgeErrors.create(
    "file_unreadable",
    `${showPath(path)} is neither a file nor a folder, so there is no text to read.`,
  );
}

/** Reads a file's bytes and their hash. Errors: as `openFile`. */
export async function readBytes(
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly bytes: Buffer; readonly hash: string }> {
  await using handle = (await openFile(path)).handle;
  const bytes = await handle.readFile(signal === undefined ? {} : { signal });
  return { bytes, hash: createHash("sha256").update(bytes).digest("hex") };
}

/** Hashes a file in bounded memory. Errors: as `openFile`. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await using handle = (await openFile(path)).handle;
  for await (const bytes of partsOf(handle, signal)) hash.update(bytes);
  return hash.digest("hex");
}

/** Reads the first bytes of a file. */
export async function readStart(handle: FileHandle, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
  return buffer.subarray(0, bytesRead);
}

/** Reads a file from its start in parts of one buffer: a part holds only until the next is asked for. */
export async function* partsOf(file: FileHandle, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(partBytes);
  for (let position = 0; ;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, partBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
