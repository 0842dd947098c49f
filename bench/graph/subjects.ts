/** Lists what the graph bench measures; `langgraph_memory` and `langgraph_sqlite` are one file. */
export const subjectNames = ["atlas", "langgraph_memory", "langgraph_sqlite"] as const;

export type SubjectName = (typeof subjectNames)[number];

/** Names the shapes of graphs: ten nodes in a line, and one node that leads to a hundred at once, whose results meet. */
export const shapes = ["linear", "fan_out"] as const;

export type Shape = (typeof shapes)[number];

export const linearNodes = 10;
export const fanOutNodes = 100;

/** Is an engine of graphs, opened on a new database. */
export interface Subject extends AsyncDisposable {
  /** Runs one graph to its end and gives the sum in its state. */
  run(shape: Shape): Promise<number>;
}

/** Says where a subject keeps its database, and how durable Atlas's commits are. */
export interface OpenOptions {
  readonly folder: string;
  readonly saver: "memory" | "sqlite";
  readonly synchronous: "full" | "normal";
}

/** Is one round: how many runs at once, and for how long new ones begin. */
export interface Task {
  readonly shape: Shape;
  readonly concurrency: number;
  readonly durationMs: number;
  readonly synchronous: "full" | "normal";
}
