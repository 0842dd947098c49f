import { relative } from "node:path";
import type { RunRecord } from "../runs/index.ts";
import { unbroken } from "./harmless.ts";

/** Writes a time span for people. Units: milliseconds. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Writes a cost for people, — when it is not known. Units: millionths of a US dollar. */
export function cost(microUsd: number | null): string {
  if (microUsd === null) return "—";
  return microUsd === 0 ? "free" : `$${(microUsd / 1_000_000).toFixed(microUsd < 10_000 ? 5 : 2)}`;
}

/** Writes a size for people. Units: bytes. */
export function size(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Writes a path as a person in this folder would, harmless and on one line. */
export function place(path: string, directory: string): string {
  const near = relative(directory, path);
  return unbroken(near === "" || near.startsWith("../..") || near.length > path.length ? path : near);
}

/** Writes a number of things: `1 file`, `2 files`. */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

/** Names what a run is at: `paused` where someone asked for it, `interrupted` where no process has it, `dead` where it waits to be redriven. */
export function stateOf(run: RunRecord): string {
  if (run.dead) return "dead";
  if (run.paused && run.finishedAt === undefined) return "paused";
  return run.interrupted ? "interrupted" : run.status;
}
