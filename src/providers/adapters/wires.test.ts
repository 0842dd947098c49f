import { describe, expect, it } from "vitest";
import type { Clock } from "../../base/index.ts";
import { brokenModels } from "../../testing/broken-models.ts";
import { mustFail, registerContract } from "../../testing/contract.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { contractText, modelContract, type ModelSubject } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { type WireAnswer, wireServer } from "../../testing/wire-server.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { Provider } from "../model.ts";
import type { Timeouts } from "../transport/deadlines.ts";
import { anthropic } from "./anthropic.ts";
import { ollama } from "./ollama.ts";
import { openai, openaiCompatible } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";

const key = "sk-live-0123456789abcdef";

interface Setup {
  readonly timeouts?: Partial<Timeouts>;
  readonly clock?: Clock;
}

const formats = [
  ["openai-chat", (url: string, setup: Setup) => openai({ apiKey: key, baseUrl: `${url}/v1`, ...setup })],
  ["openai-responses", (url: string, setup: Setup) => openaiResponses({ apiKey: key, baseUrl: `${url}/v1`, ...setup })],
  ["anthropic", (url: string, setup: Setup) => anthropic({ apiKey: { reveal: () => key }, baseUrl: url, ...setup })],
  ["ollama", (url: string, setup: Setup) => ollama({ apiKey: key, baseUrl: `${url}/`, ...setup })],
] as const;

const request = { messages: [userMessage("Why does bread rise?")] };

describe.each(formats)("%s", (format, make) => {
  const wire = wireFormats[format];

  async function open(answer: WireAnswer, setup: Setup = {}) {
    const server = await wireServer();
    server.answer(answer);
    const provider: Provider = make(server.url, setup);
    return {
      server,
      provider,
      model: provider.model("test-model"),
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  }

  describe("keeps the contract:", () => {
    const subject = async (): Promise<ModelSubject & AsyncDisposable> => {
      const { server, model, ...rest } = await open({});
      return {
        ...rest,
        async model(scenario) {
          server.answer(wire.answer(scenario));
          return model;
        },
        idle: () => server.idle(),
      };
    };
    registerContract(it, { cases: modelContract, make: subject });

    it.each(brokenModels.map((broken) => [broken.name, broken] as const))("and not when it %s", async (_, broken) => {
      const make = async (): Promise<ModelSubject & AsyncDisposable> => {
        const sound = await subject();
        return { ...sound, model: async (scenario) => broken.wrap(await sound.model(scenario)) };
      };
      await mustFail({ cases: modelContract, make }, broken.noticedBy);
    });
  });

  it("reads the wait, the request id and the status of a refusal", async () => {
    await using at = await open(wire.answer("limited"));
    await expect(generate(at.model, request)).rejects.toMatchObject({
      code: "provider_rate_limited",
      details: { retryAfterMs: 2000, requestId: "req-1", status: 429, phase: "headers" },
    });
  });

  it.each([
    [401, "provider_authentication"],
    [403, "provider_permission"],
    [402, "provider_quota"],
    [404, "provider_invalid_request"],
    [413, "provider_context_length"],
    [301, "provider_invalid_request"],
    [500, "provider_error"],
    [503, "provider_error"],
    [529, "provider_error"],
  ])("maps HTTP %i with a page for a body to %s and shows no key", async (status, code) => {
    await using at = await open({ status, headers: { "content-type": "text/html" }, chunks: [`<html>${key}</html>`] });
    const error: unknown = await generate(at.model, request).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, details: { status } });
    expect(everythingIn(error)).not.toContain(key);
  });

  it("maps a model that is not there", async () => {
    const body = JSON.stringify({ error: { type: "not_found_error", message: "model 'test-model' not found" } });
    await using at = await open({ status: 404, chunks: [body] });
    await expect(generate(at.model, request)).rejects.toMatchObject({ code: "model_not_found", exitCode: 4 });
  });

  it.each(["end", "cut"] as const)(
    "never takes an answer for whole that was cut anywhere, with the ending %s (acceptance 1)",
    async (ending) => {
      const bytes = Buffer.from(wire.text);
      await using at = await open({});
      for (let end = 0; end < bytes.length - 4; end += 61) {
        const { headers = {} } = wire.answer("text");
        at.server.answer({ headers, chunks: [bytes.subarray(0, end)], ending });
        const outcome = await generate(at.model, request).catch((error: unknown) => error);
        // From the finish reason on, an OpenAI answer is whole; only its usage may be missing.
        if (format === "openai-chat" && wire.text.slice(0, end).includes('"stop"')) continue;
        expect(outcome, `cut at ${end}`).toMatchObject({ code: "stream_interrupted", details: { phase: "stream" } });
      }
    },
  );

  it("refuses a page, garbage and an endless line as malformed, and hangs up", async () => {
    const headers = wire.answer("text").headers ?? {};
    const garbage = format === "ollama" ? "so\nnot\njson\n" : "data: so\n\ndata: not\n\ndata: {]\n\n";
    const answers: readonly WireAnswer[] = [
      { headers: { "content-type": "text/html" }, chunks: ["<html>Sign in</html>"] },
      { headers, chunks: [garbage], ending: "hang" },
      {
        headers,
        chunks: [
          "data: ",
          ..."x"
            .repeat(10)
            .split("")
            .map((x) => x.repeat(1024 * 1024)),
        ],
        ending: "hang",
      },
    ];
    await using at = await open({});
    for (const answer of answers) {
      at.server.answer(answer);
      await expect(generate(at.model, request)).rejects.toMatchObject({ code: "provider_malformed_response" });
      await at.server.idle();
    }
  });

  it("skips and counts a single malformed event (acceptance 6)", async () => {
    const bad = format === "ollama" ? "{broken\n" : "data: {broken\n\n";
    const { headers = {}, chunks = [] } = wire.answer("text");
    await using at = await open({ headers, chunks: [chunks[0] ?? "", bad, ...chunks.slice(1)] });
    expect(await generate(at.model, request)).toMatchObject({ text: contractText, metadata: { malformedEvents: 1 } });
  });

  it.each([
    ["headers", { silent: true }, "firstPartMs"],
    ["stream", wire.answer("stalled"), "idleMs"],
  ] as const)("gives up a provider that goes silent in the phase %s (acceptance 3)", async (phase, answer, limit) => {
    const clock = manualClock();
    await using at = await open(answer, { clock, timeouts: { firstPartMs: 5_000, idleMs: 1_000 } });
    const seen = Promise.withResolvers<void>();
    const reading = (async () => {
      if (phase === "headers") seen.resolve();
      for await (const part of at.model.stream(request)) if (part.type === "text.delta") seen.resolve();
    })();
    const failed = expect(reading).rejects.toMatchObject({
      code: "provider_timeout",
      details: { phase, causeCode: limit },
    });
    await seen.promise;
    await new Promise((resolve) => setImmediate(resolve));
    await clock.waitForSleepers(1);
    await clock.advance(5_000);
    await failed;
    await at.server.idle();
  });

  it("ends at the terminator even when the server lingers (acceptance 2)", async () => {
    await using at = await open({ ...wire.answer("text"), ending: "hang" });
    expect((await generate(at.model, request)).usage).toMatchObject({ outputTokens: 12, provenance: "reported" });
    await at.server.idle();
  });

  it("counts a reader's own time for nothing", async () => {
    const clock = manualClock();
    await using at = await open(wire.answer("text"), {
      clock,
      timeouts: { firstPartMs: 100, idleMs: 100, totalMs: 200 },
    });
    let text = "";
    for await (const part of at.model.stream(request)) {
      if (part.type === "text.delta") text += part.text;
      await clock.advance(1_000);
    }
    expect(text).toBe(contractText);
  });

  it("says that nobody listens at the address, without the secrets in it", async () => {
    const provider = make("http://127.0.0.1:9", {});
    const error: unknown = await generate(provider.model("m"), request).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "provider_unreachable",
      details: { phase: "connect", causeCode: "ECONNREFUSED" },
    });
    expect(everythingIn(error)).not.toContain(key);
    await provider[Symbol.asyncDispose]();
  });

  it("lists models and never generates for it", async () => {
    const list =
      format === "ollama" ? { models: [{ name: "a" }, { name: "b" }] } : { data: [{ id: "a" }, { id: "b" }] };
    await using at = await open({ headers: { "content-type": "application/json" }, chunks: [JSON.stringify(list)] });
    expect(await at.provider.listModels()).toEqual(["a", "b"]);
    expect(at.server.requests.map((each) => each.method)).toEqual(["GET"]);
    at.server.answer({ chunks: ["<html>"] });
    await expect(at.provider.listModels()).rejects.toMatchObject({ code: "provider_malformed_response" });
  });

  it("uses one connection for calls one after the other, and closes it in the end", async () => {
    await using at = await open(wire.answer("text"));
    for (let count = 0; count < 5; count++) await generate(at.model, request);
    expect(at.server.requests).toHaveLength(5);
    expect(new Set(at.server.requests.map((each) => each.headers["connection"]))).toEqual(new Set(["keep-alive"]));
  });

  it("passes a provider's own options into the body", async () => {
    await using at = await open(wire.answer("text"));
    const name = at.provider.name;
    await generate(at.model, {
      ...request,
      providerOptions: { [name]: { extra: 1, stream: false }, other: { no: 1 } },
    });
    expect(JSON.parse(at.server.requests[0]?.body ?? "")).toMatchObject({
      extra: 1,
      stream: true,
      model: "test-model",
    });
  });
});

describe("a key", () => {
  it("that is missing or cannot be one is an authentication error before anything is sent", async () => {
    for (const apiKey of [undefined, "", "  ", "sk-ä", "two words"]) {
      const provider = openai({ apiKey });
      await expect(generate(provider.model("m"), request)).rejects.toMatchObject({
        code: "provider_authentication",
        exitCode: 3,
      });
    }
  });

  it("in the base URL is used but never shown", async () => {
    await using server = await wireServer();
    server.answer({
      status: 400,
      chunks: [JSON.stringify({ error: { code: "hunter22", type: "tokentoken", param: key } })],
    });
    const baseUrl = `${server.url.replace("//", "//user:hunter22@")}/v1?token=tokentoken`;
    const provider = openaiCompatible({ name: "mine", baseUrl, apiKey: undefined });
    const error: unknown = await generate(provider.model("m"), request).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "provider_invalid_request" });
    expect(everythingIn(error)).not.toMatch(/hunter22|tokentoken/);
    expect(server.requests[0]).toMatchObject({
      path: "/v1/chat/completions?token=tokentoken",
      headers: { authorization: `Basic ${Buffer.from("user:hunter22").toString("base64")}` },
    });
    await provider[Symbol.asyncDispose]();
  });

  it("does not stand in the error about a base URL that is none", () => {
    expect(() => openai({ baseUrl: `ftp://${key}@host` })).toThrow(expect.objectContaining({ code: "invalid_input" }));
    expect(() => openai({ baseUrl: `ftp://${key}@host` })).not.toThrow(key);
  });
});

/** Writes all of an error, its stack and its causes as one text. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.stack} ${JSON.stringify(error)} ${everythingIn(error.cause)}`;
}

it.each([
  ["schema", "native"],
  ["object", "none"],
  ["none", "none"],
] as const)("an endpoint that knows %s of structured output has the capability %s", async (structuredOutput, known) => {
  const options = { name: "mine", baseUrl: "http://127.0.0.1:1/v1", quirks: { structuredOutput } };
  await using provider = openaiCompatible(options);
  expect(provider.model("m").capabilities.structuredOutput).toBe(known);
  await using told = openaiCompatible({ ...options, capabilities: { structuredOutput: "native" } });
  expect(told.model("m").capabilities.structuredOutput).toBe("native");
});
