/** Lists the kinds of task that models have a strength for. Order: that of the strengths in the table. */
export const taskKinds = [
  "chat",
  "code",
  "reasoning",
  "writing",
  "summary",
  "extraction",
  "tools",
  "vision",
  "long_context",
] as const;

/** Is a kind of task that models have a strength for. */
export type TaskKind = (typeof taskKinds)[number];
