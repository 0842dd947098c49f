import type { AtlasError, JsonValue } from "../../base/index.ts";
import { type AnswerReader, type Call, Exchange } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import { readJson } from "./read-json.ts";
import { failureIn, notWhatIsDue } from "./unstreamed.ts";

const maxJsonBytes = 16 * 1024 * 1024;

const tooLong: Fault = {
  code: "provider_malformed_response",
  message: "sent an answer that is longer than Atlas reads; ask for less at once",
};

/** Calls for one JSON value. Errors: as `streamCall`. */
export function fetchJson(call: Call): Promise<JsonValue> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const reader: AnswerReader = {
      readsJson: true,
      data(chunk) {
        size += chunk.byteLength;
        if (size > maxJsonBytes) return exchange.fail(tooLong);
        // The client may use a chunk's memory again.
        chunks.push(Buffer.from(chunk));
      },
      end() {
        const text = Buffer.concat(chunks).toString("utf8");
        const value = readJson(text);
        if (value === undefined) return exchange.fail(notWhatIsDue(text, "JSON"));
        const failure = failureIn(value);
        if (failure !== undefined) return exchange.fail(failure);
        exchange.done();
        resolve(value);
      },
      failed: (error: AtlasError) => reject(error),
      partialUsage: () => undefined,
    };
    const exchange = new Exchange(call, reader);
    exchange.start();
  });
}
