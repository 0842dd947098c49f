import { describe, expect, it } from "vitest";
import { seededRandom } from "../base/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { type WireAnswer, type WireServer, wireServer } from "../testing/wire-server.ts";
import { anthropic } from "./adapters/anthropic.ts";
import { ollama } from "./adapters/ollama.ts";
import { openai, openaiCompatible } from "./adapters/openai-chat.ts";
import { voyage } from "./adapters/voyage.ts";
import { checkKey, createKeyChecks } from "./key-check.ts";
import type { Provider } from "./model.ts";
import { providerPresets } from "./presets.ts";

const key = "sk-live-0123456789abcdef";
const list: WireAnswer = { chunks: [JSON.stringify({ data: [{ id: "a" }, { id: "b" }] })] };

async function open(
  answer: WireAnswer,
  make: (url: string) => Provider = (url) => openai({ baseUrl: `${url}/v1`, apiKey: key }),
) {
  const server: WireServer = await wireServer();
  server.answer(answer);
  const provider = make(server.url);
  return {
    server,
    provider,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("a check of a key", () => {
  it.each([
    ["openai", "/v1/models", (url: string) => openai({ baseUrl: `${url}/v1`, apiKey: key })],
    ["anthropic", "/v1/models?limit=1000", (url: string) => anthropic({ baseUrl: url, apiKey: key })],
    ["ollama", "/api/tags", (url: string) => ollama({ baseUrl: url })],
    ["compatible", "/v1/models", (url: string) => openaiCompatible({ name: "mine", baseUrl: `${url}/v1` })],
  ])("of %s lists models and never generates (acceptance 27)", async (_, path, make) => {
    await using at = await open({ chunks: [JSON.stringify({ data: [{ id: "a" }], models: [{ name: "a" }] })] }, make);
    expect(await checkKey(at.provider)).toEqual({
      ok: true,
      keyRefused: false,
      problem: null,
      code: null,
      models: ["a"],
    });
    expect(at.server.requests.map(({ method }) => method)).toEqual(["GET"]);
    expect(at.server.requests[0]?.path).toBe(path);
  });

  it.each([
    [401, "provider_authentication", true],
    [403, "provider_permission", true],
    [404, "provider_invalid_request", false],
    [429, "provider_rate_limited", false],
    [500, "provider_error", false],
  ])(
    "with HTTP %i says what to do, whether the key is to blame, and never the key",
    async (status, code, keyRefused) => {
      const headers = { "content-type": "text/html" };
      await using at = await open({ status, headers, chunks: [`<html>${key}</html>`] });
      const check = await checkKey(at.provider);
      expect(check).toMatchObject({ ok: false, code, keyRefused, models: [] });
      expect(check.problem).toMatch(/^openai .+\(HTTP \d+\)\. .+\.$/);
      expect(JSON.stringify(check)).not.toContain(key);
    },
  );

  it("tells a key that cannot be one, a host that nobody listens at, a page, and a provider without a list apart", async () => {
    const cases: readonly (readonly [Provider, string, boolean])[] = [
      [openai({}), "provider_authentication", true],
      [openai({ apiKey: "two words" }), "provider_authentication", true],
      [openai({ apiKey: key, baseUrl: "http://127.0.0.1:9/v1" }), "provider_unreachable", false],
      [voyage({ apiKey: key }), "provider_unsupported", false],
    ];
    for (const [provider, code, keyRefused] of cases) {
      expect(await checkKey(provider)).toMatchObject({ ok: false, code, keyRefused });
      await provider[Symbol.asyncDispose]();
    }
    await using page = await open({ headers: { "content-type": "text/html" }, chunks: ["<html>Sign in</html>"] });
    expect(await checkKey(page.provider)).toMatchObject({ ok: false, code: "provider_malformed_response" });
  });

  it("asks where the key is needed, when the list of models is open to everybody", async () => {
    const { quirks } = providerPresets["openrouter"] ?? {};
    await using at = await open({ status: 401 }, (url) =>
      openaiCompatible({ name: "openrouter", baseUrl: `${url}/api/v1`, apiKey: key, quirks }),
    );
    expect(await checkKey(at.provider)).toMatchObject({ keyRefused: true });
    expect(at.server.requests[0]?.path).toBe("/api/v1/models/user");
  });

  it("asks Anthropic for all models at once, also where the base URL has a query", async () => {
    await using at = await open(list, (url) => anthropic({ baseUrl: `${url}/proxy?team=7`, apiKey: key }));
    expect((await checkKey(at.provider)).models).toEqual(["a", "b"]);
    expect(at.server.requests[0]?.path).toBe("/proxy/v1/models?limit=1000&team=7");
  });

  it("disables the key that was refused and no other of the same provider (acceptance 27)", async () => {
    await using server = await wireServer();
    server.answer(({ headers }) => (headers["authorization"] === "Bearer good" ? list : { status: 401 }));
    const checks = createKeyChecks();
    const [bad, good] = ["bad", "good"].map((apiKey) => openai({ baseUrl: `${server.url}/v1`, apiKey }));
    if (bad === undefined || good === undefined) throw new Error("no providers");
    expect(await checks.check(bad)).toMatchObject({ keyRefused: true });
    expect(await checks.check(good)).toMatchObject({ ok: true, keyRefused: false });
    await Promise.all([bad, good].map((each) => each[Symbol.asyncDispose]()));
  });
});

describe("checks that are remembered", () => {
  it("ask once in about ten minutes, at times that differ between providers (acceptance 27)", async () => {
    const clock = manualClock();
    const checks = createKeyChecks({ clock, random: seededRandom(7) });
    const ends: number[] = [];
    for (let count = 0; count < 8; count++) {
      await using at = await open(list);
      let ms = 0;
      for (await checks.check(at.provider); at.server.requests.length === 1; ms += 5_000) {
        await clock.advance(5_000);
        await checks.check(at.provider);
      }
      ends.push(ms);
    }
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(480_000);
    expect(Math.max(...ends)).toBeLessThanOrEqual(725_000);
    expect(new Set(ends).size).toBeGreaterThan(4);
  });

  it("ask again soon about what passes by itself, but not about a key that was refused", async () => {
    const clock = manualClock();
    const checks = createKeyChecks({ clock });
    await using down = await open({ status: 503 });
    await using refused = await open({ status: 401 });
    for (const { provider } of [down, refused]) await checks.check(provider);
    await clock.advance(40_000);
    for (const { provider } of [down, refused]) await checks.check(provider);
    expect([down.server.requests.length, refused.server.requests.length]).toEqual([2, 1]);
    checks.forget(refused.provider);
    refused.server.answer(list);
    expect(await checks.check(refused.provider)).toMatchObject({ ok: true, models: ["a", "b"] });
  });

  it("ask once for many at the same time; who cancels leaves the others alone, and the last one ends the request", async () => {
    await using at = await open(list);
    const checks = createKeyChecks();
    const stop = new AbortController();
    const cancelled = checks.check(at.provider, { signal: stop.signal });
    const others = Promise.all(Array.from({ length: 20 }, () => checks.check(at.provider)));
    stop.abort(new Error("left"));
    await expect(cancelled).rejects.toThrow("left");
    expect((await others).every(({ ok }) => ok)).toBe(true);
    expect(at.server.requests).toHaveLength(1);

    at.server.answer({ silent: true });
    checks.forget(at.provider);
    const last = new AbortController();
    const alone = checks.check(at.provider, { signal: last.signal });
    setImmediate(() => last.abort(new Error("left")));
    await expect(alone).rejects.toThrow("left");
    await at.server.idle();
    at.server.answer(list);
    expect(await checks.check(at.provider)).toMatchObject({ ok: true });
  });
});
