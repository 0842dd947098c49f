import { execFile } from "node:child_process";
import { mkdirSync, statfsSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Is a file system of its own that can be made full. */
export interface SmallDisk extends AsyncDisposable {
  readonly folder: string;
  /** Leaves less than a page of a database free. */
  fill(): Promise<void>;
  free(): Promise<void>;
}

/** Units: bytes that the file system may hold in memory. */
const sizeBytes = 400 * 1024 * 1024;

/** Mounts a file system in memory; gives the reason where that is not allowed. */
export async function smallDisk(folder: string): Promise<SmallDisk | string> {
  mkdirSync(folder, { recursive: true });
  const resize = async (bytes: number): Promise<void> => {
    await run("mount", ["-o", `remount,size=${bytes}`, folder]);
  };
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "campaign", folder]);
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[1] ?? error.message) : String(error);
  }
  return {
    folder,
    async fill() {
      const { blocks, bfree, bsize } = statfsSync(folder);
      // It grows while this is done: then the system refuses the size, and the next try fits.
      for (let spare = 0; spare < 64; spare += 4) {
        const done = await resize((blocks - bfree + spare) * bsize).then(
          () => true,
          () => false,
        );
        if (done) return;
      }
    },
    free: () => resize(sizeBytes),
    async [Symbol.asyncDispose]() {
      await run("umount", ["-l", folder]);
    },
  };
}
