import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { contractText } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { readAll, wireProviders } from "../../../test/lib/wires.ts";
import { guarded } from "../groups/group.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";

const body = (wireFormats["openai-chat"].answer("text").chunks ?? []).join("");
const answer = (header = ""): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${header}\r\n${body}`;
const request = { messages: [userMessage("Why does bread rise?")] };

/** Makes a server that is told of each request with its number on its connection, from 1. */
async function rawServer(serve: (socket: Socket, number: number) => unknown) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    let [received, number] = ["", 0];
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (piece) => {
      received += piece.toString("latin1");
      const length = /content-length: (\d+)/i.exec(received)?.[1];
      const head = received.indexOf("\r\n\r\n");
      if (head === -1 || received.length < head + 4 + Number(length)) return;
      received = "";
      serve(socket, ++number);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Lets the client see that the answer has ended and keep the connection. */
const rest = () => new Promise((resolve) => setImmediate(resolve));

describe("a connection that a server closes while it stands idle", () => {
  it("has not taken the request that goes out on it, which is made again and not marked as billed", async () => {
    let closings = 0;
    await using server = await rawServer((socket, number) => {
      if (number < 2 || closings === 3) return socket.write(answer());
      closings++;
      return socket.resetAndDestroy();
    });
    await using provider = wireProviders["openai-chat"](server.url, {});
    const bare = provider.model("test-model");
    let failed: unknown;
    // Whether a connection is used again is for the client to say: that of one of these calls is.
    for (let call = 0; call < 10 && failed === undefined; call++) {
      failed = (await readAll(bare)).error;
      await rest();
    }
    expect(failed).toMatchObject({ code: "provider_unreachable", retry: "later", details: { phase: "connect" } });
    const model = guarded(bare, { retry: { baseDelayMs: 1 } });
    for (let call = 0; call < 10; call++) {
      const { text, report } = await generate(model, request);
      expect(text).toBe(contractText);
      expect(report?.attempts.some((each) => each.possiblyBilledTwice === true)).toBe(false);
      await rest();
    }
    expect(closings).toBe(3);
  });

  it("and a first connection that is closed may have: the request is not made again", async () => {
    await using server = await rawServer((socket) => socket.resetAndDestroy());
    await using provider = wireProviders["openai-chat"](server.url, {});
    const { error } = await readAll(provider.model("test-model"));
    expect(error).toMatchObject({ code: "provider_unreachable", details: { phase: "headers" } });
  });
});

describe("the headers of an answer", () => {
  it("may be 48 KiB long", async () => {
    await using server = await rawServer((socket) => socket.write(answer(`x-trace: ${"a".repeat(48 * 1024)}\r\n`)));
    await using provider = wireProviders["openai-chat"](server.url, {});
    expect(await readAll(provider.model("test-model"))).toMatchObject({ text: contractText, error: undefined });
  });

  it.each([
    ["too long", answer(`x-trace: ${"a".repeat(80 * 1024)}\r\n`)],
    ["no HTTP", "220 mail.example ESMTP\r\n\r\n"],
  ])("that are %s are named so", async (_, bytes) => {
    await using server = await rawServer((socket) => socket.write(bytes));
    await using provider = wireProviders["openai-chat"](server.url, {});
    const { error } = await readAll(provider.model("test-model"));
    expect(error).toMatchObject({ code: "provider_unreachable" });
    expect(String(error)).toContain("headers that are no HTTP, or too long");
  });
});
