import { getEventListeners, once } from "node:events";
import { createServer } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { wireFormats } from "../../testing/wire-formats.ts";
import { readAll, wireProviders, wireRequest } from "../../../test/lib/wires.ts";

const streams = 10_000;
const atOnce = 50;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapMb(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

function resources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Answers every request with the same bytes and remembers none. */
async function plainServer(body: Buffer) {
  const under = { way: 0 };
  const server = createServer((request, response) => {
    under.way++;
    response.once("close", () => under.way--);
    request.resume().once("end", () => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    async idle() {
      while (under.way > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

it("10,000 streams on one long-lived signal leave nothing behind (acceptance 8)", { timeout: 60_000 }, async () => {
  await using server = await plainServer(Buffer.from(wireFormats["openai-chat"].text));
  await using provider = wireProviders["openai-chat"](server.url, {});
  const model = provider.model("test-model");
  const { signal } = new AbortController();
  let mostListeners = 0;
  let broken = 0;
  const run = async (count: number): Promise<void> => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        mostListeners = Math.max(mostListeners, getEventListeners(signal, "abort").length);
        // One in fifty is left in the middle of its answer.
        if (left % 50 === 0) {
          for await (const part of model.stream(wireRequest, { signal })) if (part.type === "text.delta") break;
        } else if ((await readAll(model, signal)).error !== undefined) broken++;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    await server.idle();
  };
  await run(2_000);
  const before = { heap: heapMb(), resources: resources() };
  await run(streams);
  const grownMb = heapMb() - before.heap;
  expect(broken).toBe(0);
  expect(mostListeners).toBeLessThanOrEqual(atOnce);
  expect(getEventListeners(signal, "abort")).toEqual([]);
  expect(grownMb).toBeLessThan(2);
  const after = resources();
  for (const name of new Set([...Object.keys(after), ...Object.keys(before.resources)])) {
    // Idle connections, on both sides, are as many as there were calls at once.
    expect(after[name] ?? 0, name).toBeLessThanOrEqual((before.resources[name] ?? 0) + atOnce * 2);
  }
});
