import { appendFileSync, closeSync, openSync, readFileSync, writeSync } from "node:fs";

/**
 * Is what the outside recorder notes. Order: the lines of all processes stand in the order in which they were written.
 *
 * Shape: `entered` a run's function was called (`by` names that execution); `began` and `did` the body of a step, before and
 * after its effect; `known` the function got the step's result, so it is recorded; `left` the function returned or threw;
 * `spent` a budget was charged; `gone` a process has ended (noted by who started it).
 */
export type TraceLine = { readonly pid: number } & (
  | {
      readonly kind: "entered";
      readonly run: string;
      readonly by: string;
      readonly attempt: number;
      readonly tenant?: string | undefined;
      readonly queue?: string | undefined;
    }
  | { readonly kind: "began"; readonly run: string; readonly by: string; readonly key: string; readonly once: string }
  | { readonly kind: "did" | "known"; readonly run: string; readonly by: string; readonly key: string }
  | { readonly kind: "left"; readonly run: string; readonly by: string; readonly ok: boolean }
  | { readonly kind: "spent"; readonly run: string; readonly scope: string; readonly tokens: number }
  | { readonly kind: "gone" }
);

type Note = TraceLine extends infer Line ? (Line extends TraceLine ? Omit<Line, "pid"> : never) : never;

/** Notes what happens, outside of the database: one append of one line, which a killed process has done or not. */
export interface Trace extends Disposable {
  note(line: Note): void;
}

/** Opens the recorder's file to add to it. */
export function openTrace(path: string): Trace {
  const file = openSync(path, "a");
  return {
    note: (line) => void writeSync(file, `${JSON.stringify({ pid: process.pid, ...line })}\n`),
    [Symbol.dispose]: () => closeSync(file),
  };
}

/** Notes that a process has ended. */
export function noteGone(path: string, pid: number): void {
  appendFileSync(path, `${JSON.stringify({ pid, kind: "gone" })}\n`);
}

/** Reads all that was noted; only a last line may be cut off. */
export function readTrace(path: string): TraceLine[] {
  const lines = readFileSync(path, "utf8").split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line) as TraceLine);
}
