/** Lists what the engine bench measures; each is a file of this folder that exports `open`. */
export const subjectNames = ["atlas", "floor", "langgraph", "mastra"] as const;

export type SubjectName = (typeof subjectNames)[number];

export const stepsPerRun = 10;

/** Is an engine, opened on a new database, that does one run of ten steps whenever it is asked. */
export interface Subject extends AsyncDisposable {
  readonly run: () => Promise<void>;
}

/** Says how an engine is opened. `commit` is the floor's alone: one commit for all that waits, or one for each step. */
export interface OpenOptions {
  readonly folder: string;
  readonly synchronous: "full" | "normal";
  readonly commit: "group" | "single";
}

/** Is one round of a subject: how many runs at once, and for how long new ones begin. */
export interface Task extends Omit<OpenOptions, "folder"> {
  readonly concurrency: number;
  readonly durationMs: number;
}

/** Is what a round measured. CPU is the whole process's, user and system; memory is its resident set after the round. */
export interface Round {
  readonly stepsPerS: number;
  readonly cpuUsPerStep: number;
  readonly rssMb: number;
}
