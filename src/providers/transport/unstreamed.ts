import type { JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { Fault } from "./fault.ts";
import { faultOfBody } from "./fault-of.ts";
import { readJson } from "./read-json.ts";

const maxBytes = 64 * 1024;
const byteOrderMark = /^\u{FEFF}/u;

/** Keeps the first bytes of an answer until one event of its protocol was read: without one they tell what came instead. */
export interface Opening {
  add(chunk: Uint8Array): void;
  /** Reads the fault of an answer without an event; undefined when it may be the beginning of one. */
  fault(): Fault | undefined;
}

/** Makes the keeper of an answer's first bytes, 64 KiB at most. */
export function keepOpening(): Opening {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add(chunk) {
      if (size === maxBytes) return;
      // The client may use a chunk's memory again.
      const kept = Buffer.from(chunk.subarray(0, maxBytes - size));
      chunks.push(kept);
      size += kept.byteLength;
    },
    fault: () => faultOfUnstreamed(Buffer.concat(chunks).toString("utf8")),
  };
}

/** Reads the failure in a JSON value that came with a status of success; undefined when it tells of none. */
export function failureIn(value: JsonValue | undefined): Fault | undefined {
  return isJsonObject(value) && Boolean(value["error"]) ? faultOfBody(value) : undefined;
}

/** Makes the fault of an answer that is something else than what is due. */
export function notWhatIsDue(text: string, due: string): Fault {
  return { code: "provider_malformed_response", message: `answered with ${kindOf(text)} instead of ${due}` };
}

function faultOfUnstreamed(whole: string): Fault | undefined {
  const text = whole.replace(byteOrderMark, "").trimStart();
  if (text === "" || mayBeEvent(text)) return undefined;
  const value = readJson(text);
  // What begins as JSON and is none was cut off.
  if (value === undefined && /^[{["]/.test(text)) return undefined;
  return failureIn(value) ?? notWhatIsDue(text, "a stream");
}

/** Tells whether a text begins as a server-sent event does, or is too short to tell. */
function mayBeEvent(text: string): boolean {
  return [":", "data:", "event:", "id:", "retry:"].some((field) => text.startsWith(field) || field.startsWith(text));
}

function kindOf(text: string): string {
  const start = text.replace(byteOrderMark, "").trimStart();
  if (start === "") return "nothing";
  if (start.startsWith("<")) return start.startsWith("<?xml") ? "XML" : "a page of HTML";
  if (readJson(start) !== undefined) return "JSON";
  return /^[{["]/.test(start) ? "the beginning of a JSON value" : "plain text";
}
