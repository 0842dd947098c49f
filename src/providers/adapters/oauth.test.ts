import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { manualClock, type ManualClock } from "../../testing/manual-clock.ts";
import { registerContract } from "../../testing/contract.ts";
import { contractText, modelContract, type ModelSubject } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { type WireServer, wireServer } from "../../testing/wire-server.ts";
import { openai } from "../adapters/openai-chat.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { StreamPart } from "../model.ts";
import { type OauthOptions, oauthTokens } from "./oauth.ts";

const clientSecret = "client-secret-0123456789";
const request = { messages: [userMessage("hello")] };

let server: WireServer;
let clock: ManualClock;
beforeEach(async () => {
  server = await wireServer();
  clock = manualClock();
});
afterEach(() => server[Symbol.asyncDispose]());

function source(options: Partial<OauthOptions> = {}) {
  return oauthTokens({ tokenUrl: `${server.url}/oauth/token`, clientId: "atlas", clientSecret, clock, ...options });
}

/** Gives token-1, token-2, … */
function issue(more: Readonly<Record<string, unknown>> = { expires_in: 3600 }): void {
  let count = 0;
  server.answer(() => {
    count++;
    const body = { access_token: `token-secret-${count}`, token_type: "Bearer", ...more };
    return { headers: { "content-type": "application/json" }, chunks: [JSON.stringify(body)] };
  });
}

function formOf(index: number): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(server.requests[index]?.body ?? ""));
}

function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error);
  return `${error.stack} ${JSON.stringify(error)} ${everythingIn(error.cause ?? null)}`;
}

describe("client credentials", () => {
  it("are sent as RFC 6749 says, and the token is kept until a minute before it runs out", async () => {
    issue();
    const tokens = source({ scope: "chat models", audience: "api", clientId: "at las" });
    expect(await tokens.token({})).toBe("token-secret-1");
    expect(server.requests[0]).toMatchObject({
      method: "POST",
      path: "/oauth/token",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: `Basic ${Buffer.from(`at+las:${clientSecret}`).toString("base64")}`,
      },
    });
    expect(formOf(0)).toEqual({ grant_type: "client_credentials", scope: "chat models", audience: "api" });
    await clock.advance(3_539_000);
    expect(await tokens.token({})).toBe("token-secret-1");
    await clock.advance(1_000);
    expect(await tokens.token({})).toBe("token-secret-2");
    expect(server.requests).toHaveLength(2);
  });

  it("go into the body where the server wants them there", async () => {
    issue();
    await source({ clientIn: "body" }).token({});
    expect(formOf(0)).toEqual({ grant_type: "client_credentials", client_id: "atlas", client_secret: clientSecret });
    expect(server.requests[0]?.headers["authorization"]).toBeUndefined();
  });

  it("are asked with once for however many callers, and one who cancels leaves the others alone", async () => {
    issue();
    const tokens = source();
    const stop = new AbortController();
    const cancelled = tokens.token({ signal: stop.signal });
    const others = Array.from({ length: 50 }, () => tokens.token({}));
    stop.abort(new Error("left"));
    await expect(cancelled).rejects.toThrow("left");
    expect(new Set(await Promise.all(others))).toEqual(new Set(["token-secret-1"]));
    expect(server.requests).toHaveLength(1);
  });

  it("that no life is given for are good until they are refused", async () => {
    issue({});
    const tokens = source();
    await tokens.token({});
    await clock.advance(100 * 3_600_000);
    expect(await tokens.token({})).toBe("token-secret-1");
    tokens.reject("another");
    expect(await tokens.token({})).toBe("token-secret-1");
    tokens.reject("token-secret-1");
    expect(await tokens.token({})).toBe("token-secret-2");
  });
});

describe("a refresh token", () => {
  it("that is rotated is told, used the next time, and never lost", async () => {
    const kept: string[] = [];
    let count = 0;
    server.answer(() => {
      count++;
      const body = { access_token: `token-${count}`, expires_in: "600", refresh_token: `refresh-${count}` };
      return { chunks: [JSON.stringify(body)] };
    });
    const onRefreshToken = (token: string): void => void kept.push(token);
    const tokens = source({ clientSecret: undefined, refreshToken: { reveal: () => "refresh-0" }, onRefreshToken });
    const stop = new AbortController();
    const left = tokens.token({ signal: stop.signal });
    stop.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    // Nobody waited any more, and still what the server gave is kept.
    expect(await tokens.token({})).toBe("token-1");
    await clock.advance(600_000);
    expect(await tokens.token({})).toBe("token-2");
    expect(kept).toEqual(["refresh-1", "refresh-2"]);
    expect([formOf(0), formOf(1)]).toEqual([
      { grant_type: "refresh_token", refresh_token: "refresh-0", client_id: "atlas" },
      { grant_type: "refresh_token", refresh_token: "refresh-1", client_id: "atlas" },
    ]);
  });
});

describe("a token server that gives none", () => {
  const refreshToken = "refresh-secret-0123456789";
  it.each([
    [400, { error: "invalid_client", error_description: clientSecret }, "provider_authentication"],
    [401, { error: "invalid_client" }, "provider_authentication"],
    [400, { error: "invalid_grant", error_description: refreshToken }, "provider_authentication"],
    [403, "<html>no</html>", "provider_authentication"],
    [404, "<html>no</html>", "provider_authentication"],
    [302, "", "provider_authentication"],
    [429, { error: "slow_down" }, "provider_rate_limited"],
    [503, "busy", "provider_error"],
    [200, { error: "invalid_grant", error_description: refreshToken }, "provider_authentication"],
    [200, { error: "temporarily_unavailable" }, "provider_error"],
    [200, { access_token: "" }, "provider_malformed_response"],
    [200, { access_token: "token-secret", token_type: "mac" }, "provider_malformed_response"],
    [200, "token-secret", "provider_malformed_response"],
  ])("with HTTP %i and %j is %s, and shows no secret", async (status, body, code) => {
    const headers = { "content-type": typeof body === "string" ? "text/html" : "application/json;charset=utf-8" };
    server.answer({ status, headers, chunks: [typeof body === "string" ? body : JSON.stringify(body)] });
    const error: unknown = await source({ refreshToken })
      .token({})
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, details: { origin: server.url } });
    if (status === 401) expect(error).toMatchObject({ details: { providerCode: "invalid_client", status } });
    expect(everythingIn(error)).not.toMatch(/client-secret|refresh-secret|token-secret/);
    expect(everythingIn(error)).not.toContain(Buffer.from(`atlas:${clientSecret}`).toString("base64"));
  });

  it("because nobody listens is unreachable, and is asked again by the next", async () => {
    const tokens = source({ tokenUrl: "http://127.0.0.1:9/token" });
    await expect(tokens.token({})).rejects.toMatchObject({ code: "provider_unreachable", retry: "later" });
    await expect(tokens.token({})).rejects.toMatchObject({ code: "provider_unreachable" });
    expect(() => source({ tokenUrl: "token" })).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });

  it("because it is silent is given up", async () => {
    server.answer({ silent: true });
    const failed = expect(source().token({})).rejects.toMatchObject({ code: "provider_timeout" });
    await clock.waitForSleepers(1);
    await clock.advance(30_000);
    await failed;
    await server.idle();
  });
});

describe("a provider with a source of tokens", () => {
  const format = wireFormats["openai-chat"];

  async function open(refused: (token: string) => boolean) {
    issue();
    const api = await wireServer();
    api.answer(({ headers }) => {
      const token = (headers["authorization"] ?? "").replace("Bearer ", "");
      if (!refused(token)) return format.answer("text");
      return { status: 401, chunks: [JSON.stringify({ error: { message: `bad ${token}`, code: token } })] };
    });
    const provider = openai({ baseUrl: `${api.url}/v1`, apiKey: source(), clock });
    return {
      api,
      provider,
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        await api[Symbol.asyncDispose]();
      },
    };
  }

  it("asks once more with a fresh token when one is refused, and only then", async () => {
    await using at = await open((token) => token === "token-secret-1");
    const answered = await generate(at.provider.model("m"), request);
    expect(answered.text).toBe(contractText);
    expect(at.api.requests.map(({ headers }) => headers["authorization"])).toEqual([
      "Bearer token-secret-1",
      "Bearer token-secret-2",
    ]);
    await generate(at.provider.model("m"), request);
    expect(at.api.requests).toHaveLength(3);
    expect(server.requests).toHaveLength(2);
  });

  it("fails when the fresh one is refused too, and shows neither", async () => {
    await using at = await open(() => true);
    for (const run of [() => generate(at.provider.model("m"), request), () => at.provider.listModels()]) {
      const before = at.api.requests.length;
      const error: unknown = await run().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "provider_authentication", details: { provider: "openai", status: 401 } });
      expect(everythingIn(error)).not.toContain("token-secret");
      expect(at.api.requests.length - before).toBe(2);
    }
  });

  it("does not ask once more for any other failure", async () => {
    await using at = await open(() => false);
    at.api.answer({ status: 403, chunks: ["{}"] });
    await expect(generate(at.provider.model("m"), request)).rejects.toMatchObject({ code: "provider_permission" });
    expect(at.api.requests).toHaveLength(1);
  });

  it("names itself when there is no token, and stops when it is cancelled while one is fetched", async () => {
    await using at = await open(() => false);
    server.answer({ status: 400, chunks: ['{"error":"invalid_client"}'] });
    const error: unknown = await generate(at.provider.model("m"), request).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "provider_authentication",
      message: expect.stringMatching(/^openai has no token: the token server did not accept the client/) as string,
      details: { provider: "openai", model: "m", phase: "connect", providerCode: "invalid_client" },
    });
    server.answer({ silent: true });
    const stop = new AbortController();
    const cancelled = generate(at.provider.model("m"), request, { signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(cancelled).rejects.toMatchObject({ code: "cancelled", details: { provider: "openai" } });
  });

  it("closes what is upstream when its reader leaves while nothing comes", async () => {
    await using at = await open(() => false);
    at.api.answer(format.answer("stalled"));
    const stream = at.provider.model("m").stream(request);
    const stalled = stream[Symbol.asyncIterator]();
    for (let type = ""; type !== "text.delta";) {
      const read: IteratorResult<StreamPart, unknown> = await stalled.next();
      type = read.done === true ? "text.delta" : read.value.type;
    }
    for (let waits = 0; waits < 2; waits++) void stalled.next();
    await stalled.return?.();
    await at.api.idle();

    server.answer({ silent: true });
    await using waiting = openai({ baseUrl: at.api.url, apiKey: source() });
    const parts = waiting.model("m").stream(request)[Symbol.asyncIterator]();
    const asked = parts.next();
    expect(await parts.return?.()).toMatchObject({ done: true });
    expect(await asked).toMatchObject({ done: true });
    expect(await parts.next()).toMatchObject({ done: true });
  });

  describe("keeps the contract:", () => {
    const subject = async (): Promise<ModelSubject & AsyncDisposable> => {
      const at = await open(() => false);
      return {
        async model(scenario) {
          at.api.answer(format.answer(scenario));
          return at.provider.model("m");
        },
        idle: () => at.api.idle(),
        [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
      };
    };
    registerContract(it, { cases: modelContract, make: subject });
  });

  it("takes a source of the user's own, whose failures show nothing", async () => {
    const token = () => Promise.reject(new Error(`vault said ${clientSecret}`));
    await using provider = openai({ apiKey: { token, reject() {} } });
    const error: unknown = await provider.listModels().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "provider_authentication" });
    expect(everythingIn(error)).not.toContain(clientSecret);
  });
});
