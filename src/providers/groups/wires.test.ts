import { describe, expect, it } from "vitest";
import { registerContract } from "../../testing/contract.ts";
import { contractText, modelContract, type ModelSubject } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { wireServer } from "../../testing/wire-server.ts";
import { anthropic } from "../adapters/anthropic.ts";
import { ollama } from "../adapters/ollama.ts";
import { openaiCompatible } from "../adapters/openai-chat.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import { group, guarded } from "./group.ts";

const request = { messages: [userMessage("Why does bread rise?")] };

describe("a guarded model of a real server keeps the contract of models:", () => {
  const make = async (): Promise<ModelSubject & AsyncDisposable> => {
    const server = await wireServer();
    const provider = openaiCompatible({ name: "local", baseUrl: server.url });
    return {
      async model(scenario) {
        server.answer(wireFormats["openai-chat"].answer(scenario));
        return guarded(provider.model("m"), { retry: { maxAttempts: 1 } });
      },
      idle: () => server.idle(),
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  };
  registerContract(it, { cases: modelContract, make });
});

describe("a group over servers of three formats", () => {
  async function open() {
    const servers = [await wireServer(), await wireServer(), await wireServer()] as const;
    const providers = [
      openaiCompatible({ name: "one", baseUrl: servers[0].url }),
      anthropic({ name: "two", apiKey: "sk-0123456789", baseUrl: servers[1].url }),
      ollama({ name: "three", baseUrl: servers[2].url }),
    ];
    const model = group({ name: "g", members: providers.map((provider) => provider.model("m")) });
    return {
      servers,
      model,
      async [Symbol.asyncDispose]() {
        for (const each of [...providers, ...servers]) await each[Symbol.asyncDispose]();
      },
    };
  }

  it("falls over a cut and an overload to the third, and counts what each used (acceptance 10) (acceptance 21)", async () => {
    await using setup = await open();
    const { servers, model } = setup;
    servers[0].answer(wireFormats["openai-chat"].answer("truncated"));
    servers[1].answer(wireFormats.anthropic.answer("limited"));
    servers[2].answer(wireFormats.ollama.answer("text"));
    const { text, report } = await generate(model, request);
    expect(text).toBe(contractText);
    expect(report?.attempts.map(({ provider, outcome }) => [provider, outcome])).toEqual([
      ["one", "failed"],
      ["two", "failed"],
      ["three", "finished"],
    ]);
    expect(report?.seams).toMatchObject([{ kind: "restarted", from: "one/m", to: "three/m" }]);
    expect(report?.attempts[0]?.usage.outputTokens).toBeGreaterThan(0);
    expect(report?.attempts[2]?.usage.provenance).toBe("reported");
  });

  it("closes what is upstream within 50 ms of a cancel, the median of several (acceptance 4)", async () => {
    await using setup = await open();
    const { servers, model } = setup;
    const times: number[] = [];
    for (let round = 0; round < 9; round++) {
      servers[0].answer(wireFormats["openai-chat"].answer("stalled"));
      const stop = new AbortController();
      let began = 0;
      await expect(async () => {
        for await (const part of model.stream(request, { signal: stop.signal })) {
          if (part.type !== "text.delta" || began > 0) continue;
          began = performance.now();
          stop.abort();
        }
      }).rejects.toMatchObject({ code: "cancelled" });
      await servers[0].idle();
      times.push(performance.now() - began);
    }
    expect(times.toSorted((a, b) => a - b)[4]).toBeLessThanOrEqual(50);
  });
});
