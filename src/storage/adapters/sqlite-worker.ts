import { parentPort, workerData } from "node:worker_threads";
import { SqliteEngine } from "./sqlite-engine.ts";
import { mapError } from "./sqlite-connection.ts";
import type { SqliteThreadData, ThreadReply, ThreadRequest } from "./sqlite-protocol.ts";

// The entry of a database thread: opens the connection, says so with id 0, then answers requests in order.
const data = workerData as SqliteThreadData;
const send = (reply: ThreadReply): void => parentPort?.postMessage(reply);
try {
  const engine = new SqliteEngine(data);
  parentPort?.on("message", (request: ThreadRequest) => {
    send(engine.handle(request));
    if (request.kind === "close") parentPort?.close();
  });
  send({ id: 0, value: true });
} catch (cause) {
  const error = mapError(cause, data.path);
  send({ id: 0, failure: { code: error.code, message: error.message, details: { path: data.path } } });
  parentPort?.close();
}
