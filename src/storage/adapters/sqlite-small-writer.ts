import type { Statement } from "../database.ts";
import { SqliteEngine } from "./sqlite-engine.ts";
import type { BatchResult, EncodedWrites, SqliteThreadData, StatementShape } from "./sqlite-protocol.ts";

/** Commits small writes in the calling thread, where a commit waits for no disk. */
export interface SmallWriter {
  /** Tells whether these writes are small enough, and whether it is this thread's turn. */
  takes(writes: readonly { readonly statements: readonly Statement[] }[]): boolean;
  /** Commits them; undefined when the thread must do it, because another process is writing or something is wrong. */
  write(encoded: EncodedWrites, shapes: readonly StatementShape[]): BatchResult | undefined;
  close(): void;
}

const maxWrites = 8;
const maxStatements = 4;
const maxParamLength = 10_000;
/** Every so many commits one goes to the thread, whose commit moves the write-ahead log into the database. */
const commitsBetweenTurns = 500;

/**
 * Makes the writer of small writes for synchronous=NORMAL: their commit is a copy into the page cache, which takes less time
 * than to wake the writer thread. It never waits: a lock that is held, or any failure, leaves the write to the thread.
 */
export function createSmallWriter(data: Omit<SqliteThreadData, "role" | "busyTimeoutMs">): SmallWriter {
  let engine: SqliteEngine | undefined;
  let knownShapes = 0;
  let commits = 0;
  let usable = true;
  return {
    takes(writes) {
      if (!usable || writes.length > maxWrites || !writes.every(isSmall)) return false;
      commits = (commits + 1) % commitsBetweenTurns;
      return commits !== 0;
    },
    write(encoded, shapes) {
      try {
        engine ??= new SqliteEngine({ ...data, role: "small-writer", busyTimeoutMs: 0 });
      } catch {
        usable = false;
        return undefined;
      }
      const reply = engine.handle({ kind: "write", id: 0, shapes: shapes.slice(knownShapes), ...encoded });
      knownShapes = shapes.length;
      if ("failure" in reply) {
        // What the file has come to is for the thread to tell; only a lock that another process holds passes.
        usable = reply.failure.code === "database_busy";
        return undefined;
      }
      return reply.value as BatchResult;
    },
    close() {
      engine?.handle({ kind: "close", id: 0 });
      engine = undefined;
      usable = false;
    },
  };
}

/** Statements that commute touch rows of their own alone, so they are quick whatever the tables hold. */
function isSmall({ statements }: { readonly statements: readonly Statement[] }): boolean {
  return (
    statements.length <= maxStatements &&
    statements.every(({ commutes, params = [] }) => commutes && params.every(isShort))
  );
}

function isShort(param: unknown): boolean {
  return (typeof param === "string" || param instanceof Uint8Array ? param.length : 0) <= maxParamLength;
}
