import { once } from "node:events";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { PGlite } from "@electric-sql/pglite";

/** Is a PGlite behind a port, which drivers take for a server. */
export interface PgliteServer extends AsyncDisposable {
  readonly url: string;
  /** Empties the database; nobody may be connected. */
  reset(): Promise<void>;
}

const sslRequest = 80_877_103;
const idle = "I".charCodeAt(0);

/**
 * Starts PGlite, which is PostgreSQL in this process with a single session, and serves connections over it: one transaction at a time,
 * each connection with prepared statements of its own. Session locks are the session's, so all connections share them.
 *
 * Cost: some seconds and 500 MB.
 */
export async function startPglite(): Promise<PgliteServer> {
  const database = await PGlite.create();
  const sockets = new Set<Socket>();
  const listeners = new Set<Socket>();
  let count = 0;
  const turns = takeTurns();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const id = `c${++count}_`;
    let open: (() => void) | undefined;
    let work: Promise<void> = Promise.resolve();
    const take = async (message: Buffer): Promise<void> => {
      open ??= await turns.next();
      const { answer, notices } = sorted(Buffer.from(await database.execProtocolRaw(renamed(message, id))));
      if (isListen(message)) listeners.add(socket);
      for (const each of listeners) if (each.writable) each.write(notices);
      if (socket.writable) socket.write(answer);
      // The session is given on once it is in no transaction.
      if (isIdle(answer)) release();
    };
    const release = (): void => {
      open?.();
      open = undefined;
    };
    const undo = async (): Promise<void> => {
      if (open) await database.exec("ROLLBACK").catch(() => {});
      release();
    };
    onMessage(socket, (message) => {
      work = work.then(() => take(message)).catch(() => void socket.destroy());
    });
    socket
      .on("error", () => {})
      .on("close", () => {
        sockets.delete(socket);
        listeners.delete(socket);
        // What a connection leaves open is undone.
        work = work.then(undo);
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port is free.");
  return {
    url: `postgres://postgres@127.0.0.1:${address.port}/postgres`,
    async reset() {
      await turns.all();
      await database.exec("DEALLOCATE ALL; UNLISTEN *; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await turns.all();
      await database.close();
    },
  };
}

/** Lets one after the other have its turn, until it ends it. */
function takeTurns() {
  let last: Promise<void> = Promise.resolve();
  return {
    async next(): Promise<() => void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = last;
      last = promise;
      await before;
      return resolve;
    },
    all: () => last,
  };
}

/** Cuts what a connection sends into its messages; asks for TLS and farewells are answered here. */
function onMessage(socket: Socket, take: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  const next = (): Buffer | undefined => {
    const at = started ? 1 : 0;
    if (rest.length < at + 4 || rest.length < at + rest.readInt32BE(at)) return undefined;
    const length = at + rest.readInt32BE(at);
    const message = rest.subarray(0, length);
    rest = rest.subarray(length);
    return message;
  };
  socket.on("data", (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let message = next(); message; message = next()) {
      if (!started && message.readInt32BE(4) === sslRequest) socket.write("N");
      else if (started && message[0] === "X".charCodeAt(0)) socket.end();
      else {
        started = true;
        take(message);
      }
    }
  });
}

/** Tells whether a message is a LISTEN. */
function isListen(message: Buffer): boolean {
  return /^[PQ]/.test(String.fromCharCode(message[0] ?? 0)) && message.includes("LISTEN ");
}

/** Takes the notifications out of an answer: they are for all that listen, not for the one that asked. */
function sorted(bytes: Buffer): { readonly answer: Buffer; readonly notices: Buffer } {
  const [answer, notices]: [Buffer[], Buffer[]] = [[], []];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    (bytes[at] === "A".charCodeAt(0) ? notices : answer).push(bytes.subarray(at, end));
    at = end;
  }
  return { answer: Buffer.concat(answer), notices: Buffer.concat(notices) };
}

/** Tells whether an answer ends with the session being in no transaction. */
function isIdle(answer: Buffer): boolean {
  return answer.length >= 6 && answer.at(-6) === "Z".charCodeAt(0) && answer.at(-1) === idle;
}

/** Puts the connection's name before the names of its prepared statements, for they share one session. */
function renamed(message: Buffer, id: string): Buffer {
  const type = String.fromCharCode(message[0] ?? 0);
  let at: number;
  if (type === "P") at = 5;
  else if (type === "B") at = message.indexOf(0, 5) + 1;
  else if ((type === "D" || type === "C") && message[5] === "S".charCodeAt(0)) at = 6;
  else return message;
  if (message[at] === 0) return message;
  const result = Buffer.concat([message.subarray(0, at), Buffer.from(id), message.subarray(at)]);
  result.writeInt32BE(result.length - 1, 1);
  return result;
}
