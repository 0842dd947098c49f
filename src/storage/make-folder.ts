import { dirname } from "node:path";

/**
 * Makes a folder and those above it that are missing. Done one by one, because Node's own recursive way never returns where a
 * file system holds no folders of users (/proc).
 *
 * Errors: what the file system says, with its code.
 */
export function makeFolder(folder: string, mode = 0o777): void {
  // Taken when it is needed, from the global: imports of node:fs and node:process cost an import of the package some milliseconds.
  const { existsSync, mkdirSync, statSync } = process.getBuiltinModule("node:fs");
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found) throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${folder}'`), { code: "ENOTDIR" });
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent, mode);
  try {
    mkdirSync(folder, { mode });
  } catch (cause) {
    // Another process may have been first.
    if (!existsSync(folder)) throw cause;
  }
}
