import { describe, expect, it } from "vitest";
import type { Provider } from "./model.ts";
import { createProviders } from "./registry.ts";
import { scripted } from "./scripted.ts";

function fake(name: string, log: string[] = []): Provider {
  log.push(`made ${name}`);
  return {
    name,
    model: (model) => scripted(["hi"], { provider: name, name: model }),
    listModels: async () => [],
    [Symbol.asyncDispose]: async () => void log.push(`closed ${name}`),
  };
}

describe("the registry", () => {
  it("finds a model by provider/name, making each provider once and only when needed", async () => {
    const log: string[] = [];
    {
      await using providers = createProviders({
        a: () => fake("a", log),
        b: async () => fake("b", log),
        c: () => fake("c", log),
      });
      const [first] = await Promise.all([
        providers.resolve("a/x/y:latest"),
        providers.resolve("a/z"),
        providers.resolve("b/q"),
      ]);
      expect(first).toMatchObject({ provider: "a", name: "x/y:latest" });
      expect(log).toEqual(["made a", "made b"]);
    }
    expect(log.slice(2)).toEqual(["closed a", "closed b"]);
  });

  it("says which providers there are when it does not know one", async () => {
    const providers = createProviders({ openai: () => fake("openai"), anthropic: () => fake("anthropic") });
    await expect(providers.resolve("opnai/gpt")).rejects.toMatchObject({
      code: "provider_unknown",
      exitCode: 2,
      message: 'There is no provider named "opnai"; known providers: anthropic, openai.',
    });
    for (const reference of ["gpt", "/gpt", "openai/", ""]) {
      await expect(providers.resolve(reference)).rejects.toMatchObject({
        code: "provider_unknown",
        message: `The model ${JSON.stringify(reference)} is not written as provider/name; known providers: anthropic, openai.`,
      });
    }
    await expect(createProviders({}).get("x")).rejects.toThrow("known providers: none");
  });

  it("tries a provider again that could not be made, and takes new ones", async () => {
    let broken = true;
    const providers = createProviders({
      a() {
        if (broken) throw new Error("no key yet");
        return fake("a");
      },
    });
    await expect(providers.resolve("a/x")).rejects.toThrow("no key yet");
    broken = false;
    expect(await providers.resolve("a/x")).toMatchObject({ provider: "a" });
    providers.register("b", () => fake("b"));
    expect(providers.names).toEqual(["a", "b"]);
    expect(await providers.resolve("b/x")).toMatchObject({ provider: "b" });
  });
});
