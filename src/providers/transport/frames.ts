import type { Fault } from "./fault.ts";

/** Is one event of a streamed body. `event` is empty where the format has no event names. */
export interface Frame {
  readonly event: string;
  readonly data: string;
}

/** Cuts a body into frames, whatever the pieces it arrives in. A returned fault ends the stream. */
export interface FrameParser {
  push(chunk: Uint8Array, frames: Frame[]): Fault | undefined;
  /** Gives what a body holds that did not end its last line. */
  end(frames: Frame[]): Fault | undefined;
}

const defaultMaxBytes = 4 * 1024 * 1024;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = "\u{FEFF}";
const replacement = "\u{FFFD}";

const tooLong: Fault = {
  code: "provider_malformed_response",
  message: "sent an event that is longer than Atlas reads",
};
const notUtf8: Fault = { code: "provider_malformed_response", message: "sent bytes that are not UTF-8" };

/** Makes a parser of lines that each hold one JSON value. Units: `maxBytes` of one line. */
export function ndjsonParser(maxBytes: number = defaultMaxBytes): FrameParser {
  return lineParser(maxBytes, (text, frames) => {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const data = text.slice(start, end).trim();
      start = end + 1;
      if (data.length > maxBytes) return false;
      if (data !== "") frames.push({ event: "", data });
    }
    return true;
  });
}

/**
 * Makes a parser of server-sent events. Units: `maxBytes` of one event.
 *
 * Order: an event that the body's end cuts off after a whole line is still given, because servers forget the last empty line.
 */
export function sseParser(maxBytes: number = defaultMaxBytes): FrameParser {
  let event = "";
  let data: string | undefined;
  const give = (frames: Frame[]): void => {
    if (data !== undefined) frames.push({ event, data });
    event = "";
    data = undefined;
  };
  const parser = lineParser(maxBytes, (text, frames) => {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      if (end === start) give(frames);
      else if (text.startsWith("data:", start)) {
        const value = text.slice(text.startsWith(" ", start + 5) ? start + 6 : start + 5, end);
        data = data === undefined ? value : `${data}\n${value}`;
        if (data.length > maxBytes) return false;
        // Most events are one line of data and an empty one: they need no second search.
        if (text.startsWith("\n", end + 1)) {
          give(frames);
          end++;
        }
      } else if (text.startsWith("event:", start)) event = text.slice(start + 6, end).trim();
      start = end + 1;
    }
    return true;
  });
  return {
    push: (chunk, frames) => parser.push(chunk, frames),
    end(frames) {
      const fault = parser.end(frames);
      give(frames);
      return fault;
    },
  };
}

/**
 * Makes a parser that hands on whole lines, each ended by LF. Whole lines are decoded at once and by themselves: no character
 * of UTF-8 lies over the end of one.
 */
function lineParser(maxBytes: number, take: (lines: string, frames: Frame[]) => boolean): FrameParser {
  const normalise = lineEnds();
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let first = true;
  const keep = (bytes: Uint8Array): void => {
    if (bytes.byteLength === 0) return;
    // The client may use a chunk's memory again, and a short rest must not hold on to a long chunk.
    rest.push(Buffer.from(bytes));
    restBytes += bytes.byteLength;
  };
  const read = (bytes: Buffer, frames: Frame[]): Fault | undefined => {
    let text = bytes.toString("utf8");
    if (first && text.startsWith(byteOrderMark)) text = text.slice(1);
    first = false;
    const broken = text.includes(replacement) && !isUtf8(bytes);
    if (broken) text = text.slice(0, text.lastIndexOf("\n", text.indexOf(replacement)) + 1);
    if (!take(normalise(text), frames)) return tooLong;
    return broken ? notUtf8 : undefined;
  };
  return {
    push(chunk, frames) {
      const end = endOfLines(chunk);
      if (end === 0) keep(chunk);
      if (restBytes > maxBytes) return tooLong;
      if (end === 0) return undefined;
      const lines = end === chunk.byteLength ? chunk : chunk.subarray(0, end);
      const whole = restBytes === 0 ? bufferOf(lines) : Buffer.concat([...rest, lines]);
      if (restBytes > 0) rest = [];
      restBytes = 0;
      if (end < chunk.byteLength) keep(chunk.subarray(end));
      return read(whole, frames) ?? (restBytes > maxBytes ? tooLong : undefined);
    },
    end(frames) {
      if (restBytes === 0) return undefined;
      const text = Buffer.concat(rest).toString("utf8");
      rest = [];
      restBytes = 0;
      return take(`${normalise(text)}\n`, frames) ? undefined : tooLong;
    },
  };
}

/** Finds the end of the last whole line; 0 when there is none. */
function endOfLines(chunk: Uint8Array): number {
  if (chunk[chunk.byteLength - 1] === lineFeed) return chunk.byteLength;
  return Math.max(chunk.lastIndexOf(lineFeed), chunk.lastIndexOf(carriageReturn)) + 1;
}

/** Turns CR and CRLF into LF, also when the two characters come in different pieces. */
function lineEnds(): (text: string) => string {
  let afterCarriageReturn = false;
  return (text) => {
    if (text === "") return text;
    const rest = afterCarriageReturn && text.startsWith("\n") ? text.slice(1) : text;
    afterCarriageReturn = text.endsWith("\r");
    return rest.includes("\r") ? rest.replaceAll(/\r\n?/g, "\n") : rest;
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes) !== "";
  } catch {
    return false;
  }
}
