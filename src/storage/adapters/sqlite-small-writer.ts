import type { Statement } from "../database.ts";
import { SqliteEngine } from "./sqlite-engine.ts";
import type { BatchResult, EncodedWrites, SqliteThreadData, StatementShape } from "./sqlite-protocol.ts";

/** Commits small writes in the calling thread, where a commit takes less time than to wake another thread and to be woken by it. */
export interface SmallWriter {
  /** After so many commits here the event loop gets a turn. */
  readonly commitsATurn: number;
  /** Tells whether these writes are small enough, and whether it is this thread's turn; `alone` counts the writes in a row that had no company. */
  takes(writes: readonly { readonly statements: readonly Statement[] }[], alone: number): boolean;
  /** Commits them; undefined when the thread must do it, because another process is writing or something is wrong. */
  write(encoded: EncodedWrites, shapes: readonly StatementShape[]): BatchResult | undefined;
  close(): void;
}

/** Bounds what is committed here at once. With synchronous=FULL what comes together is better committed together, in the thread. */
const maxWrites = { full: 1, normal: 8 } as const;
const commitsATurn = { full: 1, normal: 20 } as const;
/** How many writes in a row must have come alone: then the next will, too. A program that does little pays for no second connection. */
const leastAlone = { full: 100, normal: 0 } as const;
const maxStatements = 4;
const maxParamLength = 10_000;
/** Every so many commits one goes to the thread, whose commit moves the write-ahead log into the database. */
const commitsBetweenTurns = 500;

/** What a commit may take in the mean before the disk is left to the thread, and for how long. */
const maxMeanMs = 1;
const restMs = 60_000;
const meanOf = 16;

/**
 * Makes the writer of small writes. With synchronous=NORMAL their commit is a copy into the page cache. With FULL it waits for the
 * disk, so only a write that is alone is committed here, and only as long as that takes less than a millisecond in the mean: a disk
 * that is slower keeps the event loop for some 20 ms a minute, one commit a turn. It waits for nobody: a lock that is held, or any failure, leaves the
 * write to the thread.
 */
export function createSmallWriter(data: Omit<SqliteThreadData, "role" | "busyTimeoutMs">): SmallWriter {
  const { synchronous } = data;
  let engine: SqliteEngine | undefined;
  let knownShapes = 0;
  let commits = 0;
  let meanMs = 0;
  let restsUntil = -Infinity;
  let usable = true;
  const measure = (tookMs: number): void => {
    meanMs += (tookMs - meanMs) / meanOf;
    if (synchronous === "normal" || meanMs <= maxMeanMs) return;
    meanMs = 0;
    restsUntil = performance.now() + restMs;
  };
  return {
    commitsATurn: commitsATurn[synchronous],
    takes(writes, alone) {
      if (!usable || alone < leastAlone[synchronous] || writes.length > maxWrites[synchronous]) return false;
      if (performance.now() < restsUntil || !writes.every(isSmall)) return false;
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
      const begin = performance.now();
      const reply = engine.handle({ kind: "write", id: 0, shapes: shapes.slice(knownShapes), ...encoded });
      measure(performance.now() - begin);
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
