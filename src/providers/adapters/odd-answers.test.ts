import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { formatNames, openWire, readAll } from "../../../test/lib/wires.ts";
import type { WireAnswer } from "../../testing/wire-server.ts";

const plain = { "content-type": "text/plain" };
const json = { "content-type": "application/json" };
const page = "<!doctype html>\n<html>\n<head>\n<title>Sign in</title>\n</head>\n<body>secret words</body>\n</html>\n";
const error = { message: "Sorry, secret words", type: "requests", code: "rate_limit_exceeded" };

describe.each(formatNames)("an answer of %s with HTTP 200 that is no stream", (format) => {
  const rows: readonly (readonly [string, WireAnswer, string, RegExp])[] = [
    ["a page of no type", { chunks: [page] }, "provider_malformed_response", /HTML/],
    ["a page as plain text", { headers: plain, chunks: [page] }, "provider_malformed_response", /HTML/],
    ["half a page", { headers: plain, chunks: ["<html><bo", "dy>"] }, "provider_malformed_response", /HTML/],
    ["an error of no type", { chunks: [JSON.stringify({ error })] }, "provider_rate_limited", /no more requests/],
    [
      "an error over several lines",
      { headers: plain, chunks: [JSON.stringify({ error }, null, 2)] },
      "provider_rate_limited",
      /no more requests/,
    ],
    ["an error in pieces", { chunks: ['{"error":', `${JSON.stringify(error)}}`] }, "provider_rate_limited", /requests/],
    ["words", { headers: plain, chunks: ["Down for maintenance.\n"] }, "provider_malformed_response", /plain text/],
    ["another JSON value", { chunks: ['{"ok":true}\n'] }, "provider_malformed_response", /JSON/],
    [
      "a whole answer",
      { headers: json, chunks: ['{"error":null,"id":"x"}'] },
      "provider_malformed_response",
      /JSON instead of a stream/,
    ],
    ["half an event", { chunks: ["dat"] }, "stream_interrupted", /before its end/],
    ["a comment", { chunks: [": wait\n\n"] }, "stream_interrupted", /before its end/],
  ];
  // What is no event means nothing where a line is a JSON value.
  const known = rows.filter(([name]) => format !== "ollama" || !["half an event", "a comment"].includes(name));

  it.each(known)("is told by what it is: %s", async (...[, answer, code, says]) => {
    await using at = await openWire(format, answer);
    const { error } = await readAll(at.model);
    expect(error).toMatchObject({ code, details: { phase: "stream" } });
    expect(String(error)).toMatch(says);
    expect(inspect(error)).not.toContain("secret words");
    await at.server.idle();
  });
});
