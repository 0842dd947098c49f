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

const defaultMaxChars = 4 * 1024 * 1024;

const tooLong: Fault = {
  code: "provider_malformed_response",
  message: "sent an event that is longer than Atlas reads",
};

/** Makes a parser of lines that each hold one JSON value. Units: `maxChars` UTF-16 code units of one line. */
export function ndjsonParser(maxChars: number = defaultMaxChars): FrameParser {
  return lineParser(
    maxChars,
    (text) => text,
    (line, frames) => {
      const data = line.trim();
      if (data !== "") frames.push({ event: "", data });
      return true;
    },
  );
}

/**
 * Makes a parser of server-sent events. Units: `maxChars` UTF-16 code units of one event.
 *
 * Order: an event that the body's end cuts off after a whole line is still given, because servers forget the last empty line.
 */
export function sseParser(maxChars: number = defaultMaxChars): FrameParser {
  let event = "";
  let data: string | undefined;
  const parser = lineParser(maxChars, lineEnds(), (line, frames) => {
    if (line === "") {
      if (data !== undefined) frames.push({ event, data });
      event = "";
      data = undefined;
    } else if (line.startsWith("data:")) {
      const value = line.startsWith(" ", 5) ? line.slice(6) : line.slice(5);
      data = data === undefined ? value : `${data}\n${value}`;
      return data.length <= maxChars;
    } else if (line.startsWith("event:")) {
      event = line.slice(6).trim();
    }
    return true;
  });
  return {
    push: (chunk, frames) => parser.push(chunk, frames),
    end(frames) {
      const fault = parser.end(frames);
      if (data !== undefined) frames.push({ event, data });
      data = undefined;
      return fault;
    },
  };
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

function lineParser(
  maxChars: number,
  prepare: (text: string) => string,
  takeLine: (line: string, frames: Frame[]) => boolean,
): FrameParser {
  const decoder = new TextDecoder();
  let rest = "";
  const read = (text: string, frames: Frame[]): Fault | undefined => {
    let start = 0;
    // Only the new text is searched: a long line in small pieces costs its length, not its square.
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const line = rest === "" ? text.slice(start, end) : rest + text.slice(start, end);
      rest = "";
      start = end + 1;
      if (line.length > maxChars || !takeLine(line, frames)) return tooLong;
    }
    rest += start === 0 ? text : text.slice(start);
    return rest.length > maxChars ? tooLong : undefined;
  };
  return {
    push: (chunk, frames) => read(prepare(decoder.decode(chunk, { stream: true })), frames),
    end(frames) {
      const fault = read(prepare(decoder.decode()), frames);
      if (fault !== undefined || rest === "") return fault;
      const line = rest;
      rest = "";
      return takeLine(line, frames) ? undefined : tooLong;
    },
  };
}
