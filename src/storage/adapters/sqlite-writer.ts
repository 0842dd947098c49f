import { statSync } from "node:fs";
import { storageErrors } from "../errors.ts";
import { SqliteEngine, fromFailure } from "./sqlite-engine.ts";
import type { SqliteThreadData, StatementShape, ThreadRequest } from "./sqlite-protocol.ts";
import type { RequestBody, SqliteThread } from "./sqlite-thread.ts";

/** What the calling thread may spend on its connection before a thread is started, which costs 50 ms and 15 MB. */
const budgetMs = 100;
/** Once a request has taken so long, none is answered here any more. */
const longMs = 5;
/** The check at open of a larger file takes long. */
const maxBytes = 8 * 1024 * 1024;

/** Is a request that waits for its turn. */
interface Asked {
  readonly request: RequestBody<ThreadRequest>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens the connection that writes. It begins in the calling thread, so that a program that does little pays for no thread, and
 * goes over to a thread of its own as soon as there is work: after 100 ms of it in all, when a request was long or may be, or when
 * another process holds the database, for which only a thread may wait.
 *
 * Order: answers come in the order of the requests. Errors: those of the storage table.
 */
export async function openWriter(data: Omit<SqliteThreadData, "role">): Promise<SqliteThread> {
  const writer = { ...data, role: "writer" } as const;
  const here = openHere(writer);
  return here === undefined ? await startWriter(writer) : new MovingWriter(writer, here);
}

/** What cannot be opened here at once, for whatever reason, is for the thread to wait for or to tell. */
function openHere(data: SqliteThreadData): SqliteEngine | undefined {
  try {
    if ((statSync(data.path, { throwIfNoEntry: false })?.size ?? 0) > maxBytes) return undefined;
    return new SqliteEngine({ ...data, busyTimeoutMs: 0 });
  } catch {
    return undefined;
  }
}

async function startWriter(data: SqliteThreadData): Promise<SqliteThread> {
  const { startThread } = await import("./sqlite-thread.ts");
  return await startThread(data);
}

class MovingWriter implements SqliteThread {
  readonly #data: SqliteThreadData;
  /** Answers until the thread is there; from then on it only holds the locks that it took. */
  readonly #here: SqliteEngine;
  /** All statements that were asked so far; the thread learns them with its first batch. */
  readonly #shapes: StatementShape[] = [];
  #knownHere = 0;
  #knownThere = 0;
  #waiting: Asked[] = [];
  #isArmed = false;
  #spentMs = 0;
  #mayAnswer = true;
  #starting: Promise<void> | undefined;
  #thread: SqliteThread | undefined;
  #closing: Promise<void> | undefined;

  constructor(data: SqliteThreadData, here: SqliteEngine) {
    this.#data = data;
    this.#here = here;
  }

  get closed(): boolean {
    return this.#closing !== undefined || (this.#thread?.closed ?? false);
  }

  ask<T>(request: RequestBody<ThreadRequest>): Promise<T> {
    if (this.closed) return Promise.reject(closedError(this.#data.path));
    if (request.kind === "write") this.#shapes.push(...request.shapes);
    if (this.#thread !== undefined) return this.#askThread(request, this.#thread);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({ request, resolve, reject });
    this.#arm();
    return promise;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Answers come in a later turn of the event loop, as a thread's do: whoever asks at each answer holds nobody up. */
  #arm(): void {
    if (this.#isArmed || !this.#mayAnswer) return;
    this.#isArmed = true;
    setImmediate(() => {
      this.#isArmed = false;
      this.#answerAll();
    });
  }

  #answerAll(): void {
    for (let asked = this.#next(); asked !== undefined; asked = this.#next()) {
      const isLong = asked.request.kind === "check" && !this.#here.isBroken;
      if (isLong || !this.#answer(asked)) {
        this.#waiting.unshift(asked);
        this.#mayAnswer = false;
      }
    }
    if (!this.#mayAnswer || (this.#spentMs > budgetMs && this.#closing === undefined)) this.#move();
  }

  #next(): Asked | undefined {
    return this.#mayAnswer && this.#thread === undefined ? this.#waiting.shift() : undefined;
  }

  /** False when only the thread can answer. */
  #answer({ request, resolve, reject }: Asked): boolean {
    const begin = performance.now();
    const shapes = this.#shapes.slice(this.#knownHere);
    if (request.kind === "write") this.#knownHere = this.#shapes.length;
    const reply = this.#here.handle(request.kind === "write" ? { ...request, shapes, id: 0 } : { ...request, id: 0 });
    const tookMs = performance.now() - begin;
    this.#spentMs += tookMs;
    if (tookMs > longMs && this.#spentMs > budgetMs) this.#mayAnswer = false;
    if ("value" in reply) resolve(reply.value as never);
    else if (reply.failure.code === "database_busy" && !this.#here.isBroken) return false;
    else reject(fromFailure(reply.failure));
    return true;
  }

  #move(): void {
    // After a failed write nobody knows what reached the disk: another connection must not hide that.
    if (this.#here.isBroken) {
      this.#mayAnswer = true;
      if (this.#waiting.length > 0) this.#arm();
      return;
    }
    this.#starting ??= startWriter(this.#data).then(
      (thread) => this.#moveTo(thread),
      (error: unknown) => this.#stay(error),
    );
  }

  #moveTo(thread: SqliteThread): void {
    this.#thread = thread;
    this.#here.retire();
    for (const { request, resolve, reject } of this.#waiting.splice(0))
      this.#askThread<never>(request, thread).then(resolve, reject);
  }

  #stay(error: unknown): void {
    this.#starting = undefined;
    this.#mayAnswer = true;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #askThread<T>(request: RequestBody<ThreadRequest>, thread: SqliteThread): Promise<T> {
    if (request.kind === "unlock") this.#here.handle({ ...request, id: 0 });
    if (request.kind !== "write") return thread.ask(request);
    const shapes = this.#shapes.slice(this.#knownThere);
    this.#knownThere = this.#shapes.length;
    return thread.ask({ ...request, shapes });
  }

  async #close(): Promise<void> {
    this.#answerAll();
    await this.#starting;
    await this.#thread?.close();
    this.#here.handle({ kind: "close", id: 0 });
  }
}

function closedError(path: string): Error {
  return storageErrors.create("database_closed", `The database ${path} was used after it was closed.`);
}
