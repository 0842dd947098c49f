import type { Fault } from "../transport/fault.ts";
import type { FrameParser } from "../transport/frames.ts";

const defaultMaxChars = 16 * 1024 * 1024;

const tooLong: Fault = {
  code: "provider_malformed_response",
  message: "sent an answer that is longer than Atlas reads",
};

/** Makes a parser that gives each piece of a plain text as it comes; characters that are cut between pieces are put together. */
export function textParser(): FrameParser {
  const decoder = new TextDecoder();
  return {
    push(chunk, frames) {
      const data = decoder.decode(chunk, { stream: true });
      if (data !== "") frames.push({ event: "", data });
      return undefined;
    },
    end(frames) {
      const data = decoder.decode();
      if (data !== "") frames.push({ event: "", data });
      return undefined;
    },
  };
}

/** Makes a parser that gives a body as one frame when it has ended. Units: `maxChars` UTF-16 code units. */
export function wholeParser(maxChars: number = defaultMaxChars): FrameParser {
  const decoder = new TextDecoder();
  const pieces: string[] = [];
  let chars = 0;
  const add = (text: string): Fault | undefined => {
    chars += text.length;
    pieces.push(text);
    return chars > maxChars ? tooLong : undefined;
  };
  return {
    push: (chunk) => add(decoder.decode(chunk, { stream: true })),
    end(frames) {
      const fault = add(decoder.decode());
      const data = pieces.join("");
      if (fault === undefined && data.trim() !== "") frames.push({ event: "", data });
      return fault;
    },
  };
}
