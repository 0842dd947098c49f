import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { SqliteEngine } from "./sqlite-engine.ts";
import { mapError } from "./sqlite-connection.ts";
import type { SqliteThreadData, ThreadReply, ThreadRequest } from "./sqlite-protocol.ts";

/** How long the thread looks for the next request before it sleeps. To wake it costs more than this saves unless one comes soon. */
const lookMs = 0.1;

// The entry of a database thread: opens the connection, says so with id 0, then answers requests in order.
const data = workerData as SqliteThreadData;
const send = (reply: ThreadReply): void => parentPort?.postMessage(reply);
try {
  const engine = new SqliteEngine(data);
  let answeredAt = -Infinity;
  let isDense = false;
  parentPort?.on("message", (first: ThreadRequest) => {
    isDense = performance.now() - answeredAt < 2 * lookMs;
    for (let request: ThreadRequest | undefined = first; request; request = isDense ? next() : undefined) {
      send(engine.handle(request));
      answeredAt = performance.now();
      if (request.kind === "close") return parentPort?.close();
    }
  });
  const next = (): ThreadRequest | undefined => {
    do {
      const received = parentPort && receiveMessageOnPort(parentPort);
      if (received) return received.message as ThreadRequest;
    } while (performance.now() - answeredAt < lookMs);
    return undefined;
  };
  send({ id: 0, value: true });
} catch (cause) {
  const error = mapError(cause, data.path);
  send({ id: 0, failure: { code: error.code, message: error.message, details: { path: data.path } } });
  parentPort?.close();
}
