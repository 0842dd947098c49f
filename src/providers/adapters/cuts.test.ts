import { describe, expect, it } from "vitest";
import { contractText } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import type { WireAnswer } from "../../testing/wire-server.ts";
import {
  formatNames,
  httpOf,
  openWire,
  readAll,
  type Reading,
  wireKey,
  wireProviders,
} from "../../../test/lib/wires.ts";

const aNumber: unknown = expect.any(Number);
const aText: unknown = expect.any(String);

/** Is what must have come before an answer can be whole, in each format. */
const ends = {
  "openai-chat": /"finish_reason":"(stop|tool_calls)"/,
  "openai-responses": /"type":"response\.completed"/,
  anthropic: /"type":"message_stop"/,
  ollama: /"done":true/,
};

function types(reading: Reading): readonly string[] {
  return reading.parts.map((part) => part.type);
}

describe.each(formatNames)("%s", (format) => {
  const wire = wireFormats[format];
  const headers = wire.answer("text").headers ?? {};

  async function readCut(bytes: Uint8Array, ending: "end" | "cut"): Promise<Reading> {
    const http = httpOf((receiver) => {
      receiver.sent();
      receiver.head(200, (name) => headers[name]);
      receiver.data(bytes);
      if (ending === "end") receiver.end();
      else receiver.failed(Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }));
    });
    return await readAll(wireProviders[format]("http://127.0.0.1:1", { http }).model("test-model"));
  }

  it.each([
    ["text", "end"],
    ["text", "cut"],
    ["tool", "end"],
    ["tool", "cut"],
  ] as const)(
    "never takes a %s answer for whole that is cut (%s) at any byte (acceptance 1)",
    async (scenario, ending) => {
      const bytes = Buffer.from(wire[scenario]);
      const whole = await readCut(bytes, "end");
      expect(whole.error).toBeUndefined();
      for (let end = 0; end < bytes.length; end++) {
        const reading = await readCut(bytes.subarray(0, end), ending);
        const begun = bytes.subarray(0, end).toString("utf8");
        const finished = types(reading).includes("response.finished");
        expect(finished, `cut at ${end}`).toBe(reading.error === undefined);
        if (finished) {
          // All that was to be said has been said, and why it ended: only usage may be missing.
          expect(begun, `cut at ${end}`).toMatch(ends[format]);
          expect(reading.text).toBe(whole.text);
          continue;
        }
        expect(reading.error, `cut at ${end}`).toMatchObject({
          code: "stream_interrupted",
          retry: "later",
          details: { phase: "stream", provider: aText, partialUsage: { inputTokens: aNumber } },
        });
        expect(whole.text.startsWith(reading.text)).toBe(true);
      }
    },
  );

  it("gives the text that came before the cut, up to the last whole event (acceptance 1)", async () => {
    const { headers: known = {}, chunks = [] } = wire.answer("truncated");
    for (const ending of ["end", "cut"] as const) {
      await using at = await openWire(format, { headers: known, chunks, ending });
      const reading = await readAll(at.model);
      expect(reading.text).not.toBe("");
      expect(contractText.startsWith(reading.text)).toBe(true);
      expect(reading.error).toMatchObject({ code: "stream_interrupted", details: { partialUsage: {} } });
      await at.server.idle();
    }
  });

  it("puts characters together that are split between packets, and refuses bytes that are not UTF-8 (acceptance 1)", async () => {
    const bytes = Buffer.from(wire.text);
    const split = bytes.indexOf(Buffer.from("à")) + 1;
    await using at = await openWire(format, { headers, chunks: [bytes.subarray(0, split), bytes.subarray(split)] });
    expect((await readAll(at.model)).text).toBe(contractText);

    at.server.answer({ headers, chunks: [bytes.subarray(0, split)] });
    expect((await readAll(at.model)).error).toMatchObject({ code: "stream_interrupted" });

    const broken = Buffer.from(bytes);
    broken[split] = 0x41;
    at.server.answer({ headers, chunks: [broken] });
    const reading = await readAll(at.model);
    expect(reading.error).toMatchObject({ code: "provider_malformed_response", details: { partialUsage: {} } });
    expect(contractText.startsWith(reading.text)).toBe(true);
    await at.server.idle();
  });

  it("reads the failure that comes in the middle of an answer (acceptance 1)", async () => {
    const { chunks = [] } = wire.answer("truncated");
    const error = { type: "overloaded_error", code: "overloaded", message: "Too busy." };
    const event = format === "openai-responses" ? { ...error, type: "error" } : { type: "error", error };
    const text = JSON.stringify(event);
    const failure = format === "ollama" ? `${text}\n` : `event: error\ndata: ${text}\n\n`;
    await using at = await openWire(format, { headers, chunks: [...chunks, failure], ending: "hang" });
    const reading = await readAll(at.model);
    expect(reading.text).not.toBe("");
    expect(reading.error).toMatchObject({
      code: "provider_error",
      details: { phase: "stream", partialUsage: { outputTokens: aNumber } },
    });
    await at.server.idle();
  });

  it("ends with the terminator although the server lingers, and hangs up soon (acceptance 2)", async () => {
    await using at = await openWire(format, { ...wire.answer("text"), ending: "hang" });
    const start = performance.now();
    const reading = await readAll(at.model);
    const finished = reading.parts.find((part) => part.type === "response.finished");
    expect(performance.now() - start).toBeLessThan(250);
    expect(finished).toMatchObject({ finishReason: "stop", usage: { outputTokens: 12, provenance: "reported" } });
    await at.server.idle();
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it("skips and counts one malformed event, and refuses a run of them (acceptance 6)", async () => {
    const bad = format === "ollama" ? "{broken\n" : "data: {broken\n\n";
    const [first = "", ...rest] = wire.answer("text").chunks ?? [];
    await using at = await openWire(format, {
      headers,
      chunks: [first, bad, bad, ...rest.slice(0, 2), bad, ...rest.slice(2)],
    });
    const reading = await readAll(at.model);
    expect(reading.text).toBe(contractText);
    expect(reading.parts.at(-1)).toMatchObject({ metadata: { malformedEvents: 3 } });

    at.server.answer({
      headers,
      chunks: [first, ...rest.slice(0, 4), bad, bad, bad, ...rest.slice(4)],
      ending: "hang",
    });
    const run = await readAll(at.model);
    expect(run.error).toMatchObject({ code: "provider_malformed_response", details: { partialUsage: {} } });
    expect(contractText.startsWith(run.text)).toBe(true);
    await at.server.idle();
  });

  const long = "x".repeat(1024 * 1024);
  it.each<readonly [string, WireAnswer, string]>([
    [
      "a line of 10 MB",
      { headers, chunks: ["data: ", ...Array.from({ length: 10 }, () => long)], ending: "hang" },
      "provider_malformed_response",
    ],
    [
      "a page with status 200",
      { headers: { "content-type": "text/html" }, chunks: ["<html>Sign in</html>"] },
      "provider_malformed_response",
    ],
    [
      "an error with status 200",
      { headers: { "content-type": "application/json" }, chunks: ['{"error":{"code":"insufficient_quota"}}'] },
      "provider_quota",
    ],
    [
      "an endless page",
      { headers: { "content-type": "text/html" }, chunks: Array.from({ length: 8 }, () => long), ending: "hang" },
      "provider_malformed_response",
    ],
    ["a refusal whose body never ends", { status: 500, chunks: ['{"error":'], ending: "hang" }, "provider_error"],
    [
      "bytes that are no text",
      { headers, chunks: [Buffer.from([0xff, 0xfe, 0x80, 0x0a])], ending: "hang" },
      "provider_malformed_response",
    ],
    ["nothing at all", { headers, chunks: [] }, "stream_interrupted"],
  ])("gives a typed error for %s, and hangs up", async (_, answer, code) => {
    await using at = await openWire(format, answer);
    const { error } = await readAll(at.model);
    expect(error).toMatchObject({ code, details: { provider: at.provider.name, phase: aText } });
    expect(JSON.stringify(error)).not.toContain(wireKey);
    await at.server.idle();
  });
});
