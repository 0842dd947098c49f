import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { agent } from "../src/agents/index.ts";
import type { Atlas } from "../src/app/index.ts";
import { createAtlas } from "../src/app/index.ts";
import type { SettingsInput } from "../src/app/settings.ts";
import { contractText } from "../src/testing/model-contract.ts";
import { wireFormats } from "../src/testing/wire-formats.ts";
import { type WireServer, wireServer } from "../src/testing/wire-server.ts";
import { tool } from "../src/tools/index.ts";

const format = wireFormats["openai-chat"];
let directory: string;
let server: WireServer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "atlas-provider-agents-"));
  server = await wireServer();
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function open(settings: SettingsInput): Promise<Atlas> {
  return await createAtlas({ directory, environment: { OLLAMA_HOST: "127.0.0.1:9" }, settings, recover: false });
}

const house = (extra: object = {}): SettingsInput["providers"] => ({
  house: { kind: "openai-compatible", baseUrl: `${server.url}/v1`, apiKey: "sk-test-0123456789", ...extra },
});
const modelIn = (body: string): unknown => (JSON.parse(body) as { model: unknown }).model;

it("an agent whose tool starts runs of the same provider is not held up by its limit of one call at a time", async () => {
  server.answer(({ body }) =>
    format.answer(body.includes("parent goal") && !body.includes("tool_call_id") ? "tool" : "text"),
  );
  await using atlas = await open({ providers: house({ limits: { concurrency: 1 } }) });
  const child = agent({ name: "child", model: "house/m" });
  const asks = tool({
    name: "weather",
    input: z.looseObject({}),
    run: async () => (await (await atlas.start(child, "child goal")).result()).text,
  });
  const run = await atlas.start(agent({ name: "parent", model: "house/m", tools: [asks] }), "parent goal");
  expect(await run.result()).toMatchObject({ output: contractText, steps: 2, finishReason: "stop" });
  const log = JSON.stringify(await Array.fromAsync(run.events({ after: 0 })));
  expect(log).toContain("tool.completed");
  expect(server.requests.length).toBe(3);
});

it("a run over a group of the lowest latency goes on when a member fails before it was measured", async () => {
  server.answer(({ body }) => (modelIn(body) === "down" ? { status: 503 } : format.answer("text")));
  const pair = { members: ["house/down", "house/up"], strategy: "lowest-latency" } as const;
  await using atlas = await open({ providers: house(), groups: { pair } });
  for (const goal of ["one", "two", "three", "four"]) {
    const run = await atlas.start("assistant", goal, { model: "group:pair" });
    expect(await run.result()).toMatchObject({ output: contractText, model: "group/pair" });
  }
});

it("a budget that makes no sense is an error of the start, not of a run", async () => {
  await using atlas = await open({ providers: house() });
  for (const budget of [{ maxTokens: -1 }, { maxTokens: Number.NaN }, { maxCostUsd: Infinity }]) {
    const start = atlas.start("assistant", "Well?", { model: "house/m", budget });
    await expect(start).rejects.toMatchObject({ code: "invalid_input" });
  }
  expect(await atlas.runs.list()).toEqual([]);
});

it("two of one process share nothing: what one learns of a provider does not close it for the other", async () => {
  server.answer({ status: 401, headers: { "content-type": "application/json" }, chunks: ['{"error":{}}'] });
  await using first = await open({ providers: house() });
  const refused = await first.start("assistant", "Well?", { model: "house/m" });
  await expect(refused.result()).rejects.toMatchObject({ code: "provider_authentication" });
  server.answer(format.answer("text"));
  await using second = await open({ providers: house(), storage: "other.db" });
  const run = await second.start("assistant", "Well?", { model: "house/m" });
  expect(await run.result()).toMatchObject({ output: contractText });
});
