import { once } from "node:events";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { contractText } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { selfSigned } from "../../../test/lib/certificate.ts";
import { readAll, wireProviders, wireRequest } from "../../../test/lib/wires.ts";

const certificate = selfSigned();
const known = getCACertificates();
const chunks = wireFormats["openai-chat"].answer("text").chunks ?? [];
let server: Http2SecureServer;
let url = "";
let connections = 0;
/** Counts the answers that are under way. */
const under = { way: 0 };
/** How many pieces of the answer come before the server falls silent. */
let pieces = chunks.length;

beforeAll(async () => {
  setDefaultCACertificates([...known, certificate.cert]);
  server = createSecureServer({ ...certificate, allowHTTP1: true });
  server.on("secureConnection", () => connections++);
  server.on("request", (request, response) => {
    under.way++;
    response.once("close", () => under.way--);
    request.resume();
    request.once("end", () => {
      response.writeHead(200, { "content-type": "text/event-stream", "x-version": request.httpVersion });
      for (const chunk of chunks.slice(0, pieces)) response.write(chunk);
      if (pieces === chunks.length) response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = `https://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});

afterAll(() => {
  setDefaultCACertificates(known);
  server.close();
});

async function untilClosed(): Promise<void> {
  while (under.way > 0) await new Promise((resolve) => setImmediate(resolve));
}

it("100 cancelled streams over HTTP/2 need no new connection (acceptance 4)", async () => {
  pieces = chunks.length;
  await using provider = wireProviders["openai-chat"](url, {});
  const model = provider.model("test-model");
  expect(await readAll(model)).toMatchObject({ text: contractText, error: undefined });
  const before = connections;
  pieces = 3;
  for (let round = 0; round < 100; round++) {
    const stop = new AbortController();
    const reading = (async () => {
      for await (const part of model.stream(wireRequest, { signal: stop.signal })) {
        if (part.type === "text.delta") setImmediate(() => stop.abort());
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "cancelled", details: { phase: "stream" } });
  }
  await untilClosed();
  expect(connections - before).toBe(0);
});

it("calls at once share one connection over HTTP/2, also when none is there yet", async () => {
  pieces = chunks.length;
  const before = connections;
  await using provider = wireProviders["openai-chat"](url, {});
  const readings = await Promise.all(Array.from({ length: 50 }, () => readAll(provider.model("test-model"))));
  expect(new Set(readings.map(({ text }) => text))).toEqual(new Set([contractText]));
  expect(connections - before).toBe(1);
});

it("leaving the loop ends the stream and keeps the connection", async () => {
  pieces = 3;
  const before = connections;
  await using provider = wireProviders["openai-chat"](url, {});
  for (let round = 0; round < 5; round++) {
    for await (const part of provider.model("test-model").stream(wireRequest)) if (part.type === "text.delta") break;
    await untilClosed();
  }
  expect(connections - before).toBe(1);
});

it("a certificate that nobody vouches for is no connection", async () => {
  setDefaultCACertificates(known);
  try {
    await using provider = wireProviders["openai-chat"](url.replace("127.0.0.1", "localhost"), {});
    const { error } = await readAll(provider.model("test-model"));
    expect(error).toMatchObject({ code: "provider_unreachable", details: { phase: "connect" } });
  } finally {
    setDefaultCACertificates([...known, certificate.cert]);
  }
});
