import type { Migration } from "../storage/index.ts";

/**
 * Holds the tables of LangGraph's checkpoints.
 *
 * `langgraph_checkpoint` has a row for each checkpoint, with `refs`: for each channel the id of its value. `langgraph_value` holds each
 * value once, however many checkpoints have it. `langgraph_write` holds what tasks wrote before their step was over; places below 0
 * are LangGraph's own (an error, an interrupt, an answer).
 */
const langgraphMigrations: readonly Migration[] = [
  {
    version: 1,
    name: "checkpoints, values and writes",
    statements: [
      `CREATE TABLE langgraph_checkpoint(
        thread TEXT NOT NULL, namespace TEXT NOT NULL, id TEXT NOT NULL, parent TEXT, kind TEXT NOT NULL, body BLOB NOT NULL,
        metadata_kind TEXT NOT NULL, metadata BLOB NOT NULL, refs TEXT NOT NULL, PRIMARY KEY(thread, namespace, id))`,
      `CREATE TABLE langgraph_value(
        thread TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(thread, id))`,
      `CREATE TABLE langgraph_write(
        thread TEXT NOT NULL, namespace TEXT NOT NULL, checkpoint TEXT NOT NULL, task TEXT NOT NULL, place INTEGER NOT NULL,
        path TEXT NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY(thread, namespace, checkpoint, task, place))`,
    ],
  },
];

/** Gives the history of the schema of LangGraph's checkpoints, for those who use it, back it up and restore it. */
export function langgraphHistory(): readonly Migration[] {
  return langgraphMigrations;
}
