import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wireFormats } from "../../testing/wire-formats.ts";
import type { StreamDecoder } from "../transport/decoder.ts";
import type { Fault } from "../transport/fault.ts";
import { type Frame, type FrameParser, ndjsonParser, sseParser } from "../transport/frames.ts";
import type { StreamPart } from "../model.ts";
import { anthropicDecoder } from "./anthropic-stream.ts";
import { ollamaDecoder } from "./ollama-stream.ts";
import { openaiChatDecoder } from "./openai-chat-stream.ts";
import { openaiResponsesDecoder } from "./openai-responses-stream.ts";

const codecs = [
  ["openai-chat", sseParser, openaiChatDecoder],
  ["openai-responses", sseParser, openaiResponsesDecoder],
  ["anthropic", sseParser, anthropicDecoder],
  ["ollama", ndjsonParser, ollamaDecoder],
] as const;

interface Outcome {
  readonly parts: readonly StreamPart[];
  readonly fault: Fault | undefined;
}

function decode(pieces: readonly Uint8Array[], parser: FrameParser, decoder: StreamDecoder): Outcome {
  const parts: StreamPart[] = [];
  const emit = (part: StreamPart): void => void parts.push(part);
  const frames: Frame[] = [];
  for (const piece of pieces) {
    const chunk = Buffer.from(piece);
    parser.push(chunk, frames);
    // A client may use a chunk's memory again.
    chunk.fill(0);
  }
  parser.end(frames);
  for (const frame of frames) if (decoder.state !== "ended") decoder.push(frame, emit);
  return { parts, fault: decoder.finish(emit) };
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index] ?? 0, place));
}

const cuts = fc.array(fc.nat({ max: 100_000 }), { maxLength: 40 });

describe.each(codecs)("%s", (format, parser, decoder) => {
  it.each(["text", "tool"] as const)(
    "gives the same parts for the %s answer however its bytes are split",
    (scenario) => {
      const bytes = Buffer.from(wireFormats[format][scenario]);
      const whole = decode([bytes], parser(), decoder("call"));
      expect(whole.fault).toBeUndefined();
      fc.assert(
        fc.property(cuts, (places) => {
          expect(decode(split(bytes, places), parser(), decoder("call"))).toEqual(whole);
        }),
      );
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
      expect(decode(single, parser(), decoder("call"))).toEqual(whole);
    },
  );

  it("survives any bytes without throwing, and takes none of them for a whole answer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decode([bytes], parser(), decoder("call")).fault).toMatchObject({ code: "stream_interrupted" });
      }),
    );
  });

  it("survives any JSON for an event", () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { maxLength: 5 }), (values) => {
        const made = decoder("call");
        for (const data of values) made.push({ event: "", data }, () => {});
        made.finish(() => {});
      }),
    );
  });
});

describe("server-sent events", () => {
  const read = (text: string, places: readonly number[] = []): readonly Frame[] => {
    const parser = sseParser();
    const frames: Frame[] = [];
    for (const piece of split(Buffer.from(text), places)) parser.push(piece, frames);
    parser.end(frames);
    return frames;
  };

  it("may end their lines with LF, CR or CRLF, hold comments and have data on several lines", () => {
    for (const end of ["\n", "\r", "\r\n"]) {
      const text = [
        ": hello",
        "event: first",
        "data: one",
        "data:two",
        "id: 7",
        "",
        "data",
        "retry: 5",
        "",
        "data: é",
        "",
        "",
      ].join(end);
      const expected = [
        { event: "first", data: "one\ntwo" },
        { event: "", data: "é" },
      ];
      expect(read(text)).toEqual(expected);
      fc.assert(
        fc.property(cuts, (places) => {
          expect(read(text, places)).toEqual(expected);
        }),
      );
    }
  });

  it("are read at the end of the body even without the last empty line", () => {
    expect(read("data: [DONE]")).toEqual([{ event: "", data: "[DONE]" }]);
  });

  it("that are too long are refused, in one line or in many", () => {
    const long = sseParser(100);
    expect(long.push(Buffer.from(`data: ${"x".repeat(200)}`), [])).toMatchObject({
      code: "provider_malformed_response",
    });
    const many = sseParser(100);
    expect(many.push(Buffer.from("data: 0123456789\n".repeat(20)), [])).toMatchObject({
      code: "provider_malformed_response",
    });
    const lines = ndjsonParser(100);
    expect(lines.push(Buffer.from(`"${"x".repeat(200)}"\n`), [])).toMatchObject({
      code: "provider_malformed_response",
    });
  });
});
