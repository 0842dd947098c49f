import { once } from "node:events";
import { createServer } from "node:net";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { isAtlasError } from "../../base/index.ts";
import { providerErrors } from "../errors.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import type { WireAnswer } from "../../testing/wire-server.ts";
import { formatNames, openWire, readAll, type Reading, wireKey, wireProviders } from "../../../test/lib/wires.ts";

const limits = {
  "x-ratelimit-limit-requests": "60",
  "x-ratelimit-remaining-requests": "0",
  "x-ratelimit-reset-requests": "1s",
};
const reported = { requestsLimit: 60, requestsRemaining: 0, requestsResetMs: 1_000 };

/** Checks what every error has, whatever provider and phase it comes from. */
function expectShape({ error }: Reading, provider: string): void {
  if (!isAtlasError(error)) return expect.fail(`It is no AtlasError: ${String(error)}`);
  expect(error.code === "cancelled" || providerErrors.is(error)).toBe(true);
  expect(error.details).toMatchObject({ provider, model: "test-model" });
  expect(["connect", "headers", "stream"]).toContain(error.details["phase"]);
  expect(["never", "later", "changed"]).toContain(error.retry);
  expect(error.status).toBeGreaterThanOrEqual(400);
  expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(wireKey);
}

describe.each(formatNames)("%s", (format) => {
  const wire = wireFormats[format];
  const text = wire.answer("text");

  const json = (body: unknown): string[] => [JSON.stringify(body)];
  const refusals: readonly (readonly [string, WireAnswer, object])[] = [
    [
      "a wrong key",
      { status: 401, headers: { "x-request-id": "req-9" }, chunks: json({ error: { message: `Bad ${wireKey}` } }) },
      {
        code: "provider_authentication",
        retry: "changed",
        details: { phase: "headers", status: 401, requestId: "req-9" },
      },
    ],
    [
      "too many requests",
      {
        status: 429,
        headers: { ...limits, "retry-after": "3" },
        chunks: json({ error: { type: "rate_limit_error" } }),
      },
      {
        code: "provider_rate_limited",
        retry: "later",
        details: { phase: "headers", status: 429, retryAfterMs: 3_000, rateLimits: reported },
      },
    ],
    [
      "a failure with a page",
      { status: 503, headers: { "content-type": "text/html" }, chunks: ["<h1>Sorry</h1>"] },
      { code: "provider_error", retry: "later", details: { phase: "headers", status: 503 } },
    ],
    ["no headers", { status: 200, silent: true }, { code: "provider_timeout", details: { phase: "headers" } }],
    [
      "a cut",
      { ...wire.answer("truncated"), headers: { ...text.headers, "x-request-id": "req-7" }, ending: "cut" },
      {
        code: "stream_interrupted",
        retry: "later",
        details: { phase: "stream", requestId: "req-7", partialUsage: {} },
        cause: { code: "UND_ERR_SOCKET" },
      },
    ],
  ];

  it.each(refusals)("%s is an error of the one shape (acceptance 9)", async (_, answer, expected) => {
    await using at = await openWire(format, answer, { timeouts: { firstPartMs: 300 } });
    const reading = await readAll(at.model);
    expect(reading.error).toMatchObject(expected);
    expectShape(reading, at.provider.name);
    await at.server.idle();
  });

  it("nobody at the address, and a connection closed without an answer, are errors of the one shape (acceptance 9)", async () => {
    await using unreachable = wireProviders[format]("http://127.0.0.1:9", {});
    const refused = await readAll(unreachable.model("test-model"));
    expect(refused.error).toMatchObject({
      code: "provider_unreachable",
      details: { phase: "connect", causeCode: "ECONNREFUSED" },
      cause: { code: "ECONNREFUSED" },
    });
    expectShape(refused, unreachable.name);

    const server = createServer((socket) => void socket.on("error", () => {}).once("data", () => socket.destroy()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await using rude = wireProviders[format](`http://127.0.0.1:${port}`, {});
    const closed = await readAll(rude.model("test-model"));
    // Once the request is out nobody knows whether it was acted on: the phase says so.
    expect(closed.error).toMatchObject({ code: "provider_unreachable", details: { phase: "headers" } });
    expectShape(closed, rude.name);
    server.close();
  });

  it("a cause keeps its code, but nothing of the answer or the key", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {}).once("data", () => socket.end(`HTTP/1.1 200 OK\r\nbad header ${wireKey}\r\n\r\n`));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await using provider = wireProviders[format](`http://127.0.0.1:${port}`, {});
    const { error } = await readAll(provider.model("test-model"));
    expect(error).toMatchObject({ code: "provider_unreachable", details: { phase: "headers" } });
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    expect(cause).toMatchObject({ name: "HTTPParserError" });
    expect(inspect(cause, { showHidden: true })).not.toContain(wireKey);
    server.close();
  });

  it("what a provider says about its limits comes with the start of the answer", async () => {
    await using at = await openWire(format, { ...text, headers: { ...text.headers, ...limits } });
    const { parts } = await readAll(at.model);
    expect(parts[0]).toMatchObject({ type: "response.started", rateLimits: reported });
    at.server.answer(text);
    expect((await readAll(at.model)).parts[0]).not.toHaveProperty("rateLimits");
  });
});
