/** Lists what the cluster bench measures; each is a file of this folder that exports `open`. */
export const subjectNames = ["atlas", "dbos", "langgraph"] as const;

export type SubjectName = (typeof subjectNames)[number];

export const stepsPerRun = 10;

/** Is an engine, opened on a PostgreSQL database of its own. */
export interface Subject extends AsyncDisposable {
  /** Does one run of ten steps, begun here at once. */
  direct(): Promise<void>;
  /** Puts one run of ten steps into the queue; `queued` tells when all of them have ended. */
  enqueue?(): Promise<void>;
  /** Waits until as many runs as this were taken from the queue and have ended, since the subject was opened. */
  queued?(runs: number): Promise<void>;
}

/** Is one round: runs begun at once for some time, or a number of runs through the queue, always so many at once. */
export type Task = { readonly concurrency: number } & (
  | { readonly way: "direct"; readonly durationMs: number }
  | { readonly way: "queue"; readonly runs: number }
);
