import { lstatSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { appErrors } from "./errors.ts";

/** Is whose files are believed. */
export interface Trust {
  /** The user of this process; undefined where the system has no such numbers, and nothing is checked. */
  readonly uid?: number | undefined;
  /** Folders whose files are used whoever owns them. */
  readonly folders?: readonly string[];
}

const writableByAll = 0o002;
const sticky = 0o1000;

/** Tells whom to believe: this user, root, and the folders that the variable ATLAS_TRUST lists. */
export function trustOf(environment: Readonly<Record<string, string | undefined>>): Trust {
  const listed = (environment["ATLAS_TRUST"] ?? "").split(",").map((folder) => folder.trim());
  return {
    uid: process.getuid?.(),
    folders: listed.filter((folder) => folder !== "").map((folder) => resolve(folder)),
  };
}

/**
 * Refuses a file that somebody else may have put there: it names code that is run and places that keys are sent to.
 * A link is asked about twice, as the link and as the file, for paths in it count from where the link stands.
 *
 * Errors: settings_unreadable, with what to do.
 */
export function requireTrust(path: string, { uid, folders = [] }: Trust, what = "settings file"): void {
  const folder = dirname(path);
  if (uid === undefined || folders.includes(folder)) return;
  const why = ownerProblem(path, uid) ?? accessProblem(path, folder);
  if (why === undefined) return;
  throw appErrors.create(
    "settings_unreadable",
    `The ${what} ${path} is not used, since ${why}, and it can name code to run. Move it away, make it your own (chown, chmod go-w), or set ATLAS_TRUST=${folder} if you trust it.`,
    { details: { path, reason: why } },
  );
}

function ownerProblem(path: string, uid: number): string | undefined {
  const other = [lstatSync(path), statSync(path)].find((found) => found.uid !== uid && found.uid !== 0);
  return other === undefined ? undefined : `it belongs to another user (uid ${other.uid}, you are ${uid})`;
}

function accessProblem(path: string, folder: string): string | undefined {
  if ((statSync(path).mode & writableByAll) !== 0) return "every user may write to it";
  const { mode } = statSync(folder);
  // In a sticky folder, as /tmp is, everybody may add files but only the owner replaces one.
  if ((mode & writableByAll) !== 0 && (mode & sticky) === 0) return `every user may replace files in ${folder}`;
  return undefined;
}
