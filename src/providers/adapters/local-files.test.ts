import { copyFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import type * as NodeLlamaCpp from "node-llama-cpp";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { writeTinyGguf } from "../../testing/gguf.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { local, type LocalOptions, type LocalProvider } from "./local.ts";

let folder = "";
const question: ModelRequest = { messages: [userMessage("Which way?")], maxOutputTokens: 3 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-local-"));
  await Promise.all([
    writeTinyGguf(join(folder, "road.gguf"), "down the long road", { contextTokens: 512 }),
    writeTinyGguf(join(folder, "huge.gguf"), "down the long road", { contextTokens: 200_000_000 }),
    writeFile(join(folder, "page.gguf"), "<html>Not here</html>"),
    writeFile(join(folder, "wild.gguf"), "GGUF and then something else"),
    writeFile(join(folder, "notes.txt"), "no model"),
  ]);
  await copyFile(join(folder, "road.gguf"), join(folder, "cut.gguf"));
  await truncate(join(folder, "cut.gguf"), 100_000);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function open(options: Partial<LocalOptions> = {}): LocalProvider {
  return local({ path: folder, threads: 1, ...options });
}

describe("the files", () => {
  it("of a folder are listed by their names", async () => {
    await using provider = open();
    expect(await provider.listModels()).toEqual(["cut", "huge", "page", "road", "wild"]);
    await using gone = open({ path: join(folder, "gone") });
    expect(await gone.listModels()).toEqual([]);
  });

  it("can be one, or have names of their own", async () => {
    await using one = open({ path: join(folder, "road.gguf") });
    expect(await one.listModels()).toEqual(["road"]);
    const models = { way: join(folder, "road.gguf"), gone: join(folder, "gone.gguf") };
    await using named = local({ models, threads: 1, name: "mine" });
    expect(await named.listModels()).toEqual(["way"]);
    expect(await generate(named.model("way"), question)).toMatchObject({ text: "down the long", model: "mine/way" });
  });

  it.each([
    ["gone", "model_not_found"],
    ["../road", "model_not_found"],
    ["page", "model_file_invalid"],
    ["cut", "model_file_invalid"],
    ["wild", "model_file_invalid"],
  ])("that are no models give a typed error: %s", async (name, code) => {
    await using provider = open();
    await expect(generate(provider.model(name), question)).rejects.toMatchObject({
      code,
      details: { provider: "local", model: name },
    });
    await provider.idle();
  });

  it("that do not fit into memory are refused before the system ends the process", async () => {
    await using provider = open({ contextTokens: 200_000_000 });
    await expect(generate(provider.model("huge"), question)).rejects.toMatchObject({ code: "local_memory" });
    expect(provider.activity).toMatchObject({ loaded: [], running: 0 });
  });

  it("are no use without the engine, and the error says how to get it", async () => {
    const loadEngine = (): Promise<never> => Promise.reject(new Error("Cannot find package"));
    await using provider = open({ loadEngine });
    const asked = generate(provider.model("road"), question);
    await expect(asked).rejects.toMatchObject({ code: "local_engine_missing", exitCode: 3 });
    await expect(asked).rejects.toThrow("npm install node-llama-cpp");
  });
});

it("refuses a conversation that is longer than the context", async () => {
  await using provider = open({ contextTokens: 256 });
  const messages = [userMessage("long ".repeat(300))];
  await expect(generate(provider.model("road"), { messages })).rejects.toMatchObject({
    code: "provider_context_length",
  });
});

describe("a model in memory", () => {
  it("is loaded once for all who want it at the same time, and tells how far it is", async () => {
    const loadEngine = vi.fn(() => import("node-llama-cpp"));
    const progress: (readonly [string, number])[] = [];
    await using provider = open({ loadEngine, onProgress: (name, share) => progress.push([name, share]) });
    expect(provider.model("road").capabilities.contextTokens).toBeNull();
    expect(loadEngine).not.toHaveBeenCalled();
    const answers = await Promise.all(Array.from({ length: 6 }, () => generate(provider.model("road"), question)));
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(["down the long"]));
    expect(loadEngine).toHaveBeenCalledOnce();
    expect(progress.filter(([, share]) => share === 1)).toEqual([["road", 1]]);
    await provider.idle();
    expect(provider.activity).toMatchObject({ loaded: ["road"], running: 0, waiting: 0 });
    expect(provider.model("road").capabilities).toMatchObject({ contextTokens: 512, cost: "free" });
  });

  it("is freed when nobody has used it for a while, and comes back when it is wanted", async () => {
    const clock = manualClock();
    await using provider = open({ clock, keepLoadedMs: 1_000 });
    await generate(provider.model("road"), question);
    await provider.idle();
    await clock.advance(900);
    await generate(provider.model("road"), question);
    await provider.idle();
    await clock.advance(900);
    expect(provider.activity.loaded).toEqual(["road"]);
    await clock.advance(200);
    expect(provider.activity.loaded).toEqual([]);
    expect((await generate(provider.model("road"), question)).text).toBe("down the long");
  });

  it("is gone with its provider, for those who wait too", async () => {
    const provider = open({ maxConcurrent: 1 });
    const reading = provider.model("road").stream(question)[Symbol.asyncIterator]();
    await reading.next();
    const waiting = generate(provider.model("road"), question);
    await vi.waitFor(() => expect(provider.activity.waiting).toBe(1));
    const refused = expect(waiting).rejects.toMatchObject({ code: "provider_unreachable" });
    await provider[Symbol.asyncDispose]();
    await refused;
    await expect(reading.next()).rejects.toMatchObject({ code: "provider_unreachable" });
    await expect(generate(provider.model("road"), question)).rejects.toMatchObject({ code: "provider_unreachable" });
  });

  it("that takes too long is a timeout, and its place is free again", async () => {
    const clock = manualClock();
    const loaded = Promise.withResolvers<typeof NodeLlamaCpp>();
    await using provider = open({ clock, loadEngine: () => loaded.promise, timeouts: { firstPartMs: 1_000 } });
    const asked = generate(provider.model("road"), question);
    const late = expect(asked).rejects.toMatchObject({
      code: "provider_timeout",
      details: { causeCode: "firstPartMs", phase: "connect" },
    });
    await vi.waitFor(() => expect(provider.activity.running).toBe(1));
    await clock.advance(1_000);
    await late;
    expect(provider.activity.running).toBe(0);
    loaded.resolve(await import("node-llama-cpp"));
    expect((await generate(provider.model("road"), question)).text).toBe("down the long");
  });
});

describe("embeddings", () => {
  it("are vectors of length 1, alike for the same text, with exact usage", async () => {
    await using provider = open({ embeddings: true });
    const embedder = provider.embedder?.("road");
    expect(embedder?.dimensions).toBeNull();
    const answer = await embedder?.embed(["down the long road", "the", "down the long road"]);
    const [first, second, third] = answer?.vectors ?? [];
    expect(first).toEqual(third);
    expect(first).not.toEqual(second);
    for (const vector of answer?.vectors ?? []) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(embedder?.dimensions).toBe(first?.length);
    expect(answer?.usage).toMatchObject({ provenance: "reported", outputTokens: 0 });
    expect(answer?.usage.inputTokens).toBeGreaterThanOrEqual(9);
    expect((await embedder?.embed([]))?.vectors).toEqual([]);
    await expect(embedder?.embed(["x"], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
    await expect(embedder?.embed(["long ".repeat(700)])).rejects.toMatchObject({ code: "provider_context_length" });
  });

  it("are offered only where they are wanted", async () => {
    await using provider = open();
    expect("embedder" in provider).toBe(false);
  });
});
