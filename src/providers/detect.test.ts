import { describe, expect, it } from "vitest";
import { manualClock } from "../testing/manual-clock.ts";
import { detectProviders, readOllamaHost } from "./detect.ts";

describe("detection", () => {
  it("falls back on the model that needs nothing, and says what is missing for the others", async () => {
    const { choice, candidates } = await detectProviders({ variables: {} });
    expect(choice).toMatchObject({ provider: "offline", usable: true });
    expect(candidates[0]).toMatchObject({
      provider: "anthropic",
      usable: false,
      reason: "ANTHROPIC_API_KEY is not set",
      problem: "Set ANTHROPIC_API_KEY to use anthropic.",
    });
  });

  it("prefers a hosted provider with a key to a local one, and never shows the key", async () => {
    const detection = await detectProviders({
      variables: { OPENAI_API_KEY: "sk-1234567890" },
      listOllamaModels: async () => ["llama3:8b"],
    });
    expect(detection.choice.provider).toBe("openai");
    expect(detection.candidates.filter((each) => each.usable).map((each) => each.provider)).toEqual([
      "openai",
      "ollama",
      "offline",
    ]);
    expect(JSON.stringify(detection)).not.toContain("sk-1234567890");
  });

  it("passes over a key that is empty or cannot be one", async () => {
    const { choice, candidates } = await detectProviders({
      variables: { OPENAI_API_KEY: " ", ANTHROPIC_API_KEY: "two words" },
    });
    expect(choice.provider).toBe("offline");
    expect(candidates.find((each) => each.provider === "openai")?.problem).toContain("is empty");
    expect(candidates.find((each) => each.provider === "anthropic")?.problem).toContain("characters");
  });

  it("takes the first model of a running Ollama that is none for embedding", async () => {
    const listOllamaModels = async (url: string) => {
      expect(url).toBe("http://127.0.0.1:9999");
      return ["nomic-embed-text", "qwen3:4b"];
    };
    const { choice } = await detectProviders({ variables: { OLLAMA_HOST: ":9999" }, listOllamaModels });
    expect(choice).toEqual({
      provider: "ollama",
      model: "qwen3:4b",
      usable: true,
      reason: "Ollama runs at http://127.0.0.1:9999",
    });
  });

  it("says what to do when Ollama has no model or does not answer", async () => {
    const empty = await detectProviders({ variables: {}, listOllamaModels: async () => [] });
    expect(empty.candidates.find((each) => each.provider === "ollama")?.problem).toContain("ollama pull");
    const dead = await detectProviders({ variables: {}, listOllamaModels: () => Promise.reject(new Error("no")) });
    expect(dead.candidates.find((each) => each.provider === "ollama")?.problem).toContain("ollama serve");
  });

  it("gives up an Ollama whose lister does not listen to its signal", async () => {
    const clock = manualClock();
    const found = detectProviders({ variables: {}, listOllamaModels: () => new Promise<never>(() => {}), clock });
    await clock.waitForSleepers(1);
    await clock.advance(500);
    expect((await found).choice.provider).toBe("offline");
  });

  it("gives up an Ollama that does not answer in time, and stops when it is told to", async () => {
    const clock = manualClock();
    const listOllamaModels = (_: string, signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("gone"))));
    const found = detectProviders({ variables: {}, listOllamaModels, clock });
    await clock.waitForSleepers(1);
    await clock.advance(500);
    expect((await found).choice.provider).toBe("offline");
    const stop = new AbortController();
    const stopped = detectProviders({ variables: {}, listOllamaModels, clock, signal: stop.signal });
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
    expect(clock.sleeping).toBe(0);
  });
});

describe("OLLAMA_HOST", () => {
  it.each([
    [undefined, "http://127.0.0.1:11434"],
    ["", "http://127.0.0.1:11434"],
    ["0.0.0.0", "http://127.0.0.1:11434"],
    ["0.0.0.0:8080", "http://127.0.0.1:8080"],
    ["box.local", "http://box.local:11434"],
    ["https://ollama.example.com/base/", "https://ollama.example.com/base"],
    ["http://", "http://"],
  ])("%s is read as %s", (host, url) => {
    expect(readOllamaHost(host)).toBe(url);
  });
});
