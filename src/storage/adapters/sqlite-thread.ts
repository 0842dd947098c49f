import { Worker } from "node:worker_threads";
import { storageErrors } from "../errors.ts";
import { fromFailure } from "./sqlite-engine.ts";
import type { SqliteThreadData, ThreadReply, ThreadRequest } from "./sqlite-protocol.ts";

/** Is a request before it has its number. */
export type RequestBody<Request> = Request extends ThreadRequest ? Omit<Request, "id"> : never;

/** Is a database thread as its owner sees it. */
export interface SqliteThread {
  readonly closed: boolean;
  /** Sends a request and waits for its answer. Order: answers come in the order of the requests. */
  ask<T>(request: RequestBody<ThreadRequest>): Promise<T>;
  close(): Promise<void>;
}

interface Waiter {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts a database thread and waits until its connection is open. Errors: those of the storage table. */
export async function startThread(data: SqliteThreadData): Promise<SqliteThread> {
  const entry = new URL(import.meta.url.endsWith(".ts") ? "./sqlite-worker.ts" : "./sqlite-worker.js", import.meta.url);
  // The program's own flags (--eval, --input-type, …) are not for this thread.
  const worker = new Worker(entry, { workerData: data, name: `atlas-sqlite-${data.role}`, execArgv: [] });
  const waiters = new Map<number, Waiter>();
  let nextId = 1;
  let closed = false;

  const end = (cause: unknown): void => {
    closed = true;
    for (const { reject } of waiters.values()) {
      reject(storageErrors.create("database_closed", `The database thread of ${data.path} has ended.`, { cause }));
    }
    waiters.clear();
  };
  // An idle thread must not keep the process alive; one that owes an answer must.
  const wait = <T>(id: number): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      waiters.set(id, { resolve, reject });
      if (waiters.size === 1) worker.ref();
    });
  const settle = (reply: ThreadReply): void => {
    const waiter = waiters.get(reply.id);
    waiters.delete(reply.id);
    if (waiters.size === 0) worker.unref();
    if ("failure" in reply) waiter?.reject(fromFailure(reply.failure));
    else waiter?.resolve(reply.value as never);
  };
  // A port hands out what comes while its messages are being handled before it lets the event loop turn: a thread that answers as
  // fast as it is asked would hold everything else up.
  worker.on("message", (reply: ThreadReply) => void setImmediate(settle, reply));
  worker.on("error", (cause) => void setImmediate(end, cause));
  worker.on("exit", () => void setImmediate(end, undefined));
  await wait(0);

  const ask = <T>(request: RequestBody<ThreadRequest>): Promise<T> => {
    if (closed)
      return Promise.reject(
        storageErrors.create("database_closed", `The database ${data.path} was used after it was closed.`),
      );
    const id = nextId++;
    worker.postMessage({ ...request, id });
    return wait<T>(id);
  };
  return {
    get closed() {
      return closed;
    },
    ask,
    async close() {
      if (closed) return;
      const exited = new Promise((resolve) => worker.once("exit", resolve));
      const asked = ask({ kind: "close" });
      closed = true;
      await asked;
      worker.ref();
      await exited;
    },
  };
}
