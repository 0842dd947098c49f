import type { JsonValue } from "../../base/index.ts";
import { parseJson } from "../../base/index.ts";
import type { HttpClient, HttpReceiver } from "./http.ts";

/** Says how the bodies of an endpoint differ from those that Atlas reads by itself. */
export interface BodyForm {
  /** Finds the failure in a body, as `{ error: { message, code } }`; undefined when it tells of none. */
  failureIn(body: JsonValue): JsonValue | undefined;
  /** Tells that answers of the type application/json are streams all the same. */
  readonly jsonAnswers: boolean;
}

const maxErrorBytes = 64 * 1024;

/**
 * Makes a client that translates error bodies, so that an endpoint with a form of its own fails with the same codes as any other.
 * Only bodies that are refusals, or JSON where a stream was due, are held back and read; everything else passes as it comes.
 */
export function translateBodies(http: HttpClient, form: BodyForm): HttpClient {
  return {
    send: (request, receiver) => http.send(request, translating(receiver, form)),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

function translating(receiver: HttpReceiver, form: BodyForm): HttpReceiver {
  let held: Uint8Array[] | undefined;
  let sizeBytes = 0;
  const release = (): void => {
    const chunks = held ?? [];
    held = undefined;
    for (const chunk of chunks) receiver.data(chunk);
  };
  return {
    sent: () => receiver.sent(),
    head(status, header) {
      const isJson = /^application\/json\b/.test(header("content-type") ?? "");
      const refused = status < 200 || status >= 300;
      if (refused || (isJson && !form.jsonAnswers)) held = [];
      const hidden = isJson && !refused && form.jsonAnswers;
      receiver.head(status, hidden ? (name) => (name === "content-type" ? undefined : header(name)) : header);
    },
    data(chunk) {
      if (held === undefined) return receiver.data(chunk);
      // The client may use a chunk's memory again.
      held.push(Buffer.from(chunk));
      sizeBytes += chunk.byteLength;
      // What is longer than an error can be is none.
      if (sizeBytes > maxErrorBytes) release();
    },
    end() {
      const failure = held && failureOf(Buffer.concat(held).toString("utf8"), form);
      if (failure === undefined) release();
      else receiver.data(failure);
      receiver.end();
    },
    failed(cause) {
      release();
      receiver.failed(cause);
    },
  };
}

function failureOf(text: string, form: BodyForm): Uint8Array | undefined {
  try {
    const failure = form.failureIn(parseJson(text, "an error"));
    return failure === undefined ? undefined : Buffer.from(JSON.stringify(failure));
  } catch {
    return undefined;
  }
}
