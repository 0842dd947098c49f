import { beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { agent } from "../src/agents/index.ts";
import { createAtlas } from "../src/app/index.ts";
import { tool } from "../src/tools/index.ts";
import { useWire } from "./lib/scripted-wire.ts";

const { mock, directory, environments: keyed } = useWire();

beforeAll(() => {
  mock.on(
    { userMessage: "weather", hasToolResult: false },
    { toolCalls: [{ name: "weather", arguments: JSON.stringify({ city: "Łódź" }) }] },
  );
  mock.on({ userMessage: "weather", hasToolResult: true }, { content: "It is 21 degrees." });
  const wrong = { broken: '{"city": ', mistyped: '{"city": 7}' };
  for (const [word, args] of Object.entries(wrong)) {
    mock.on({ userMessage: word, hasToolResult: false }, { toolCalls: [{ name: "weather", arguments: args }] });
    mock.on({ userMessage: word, hasToolResult: true }, { content: "I asked wrongly." });
  }
  mock.on({ userMessage: "for ever" }, { toolCalls: [{ name: "nothing", arguments: "{}" }] });
  mock.onMessage("refused", { error: { message: "bad key", type: "authentication_error" }, status: 401 });
});

const environments = [...keyed, ["ollama", () => ({ OLLAMA_HOST: mock.url })]] as const;

it.each(environments)(
  "an agent calls its tool and answers through %s, in a durable run",
  async (provider, environment) => {
    const asked: string[] = [];
    const weather = tool({
      name: "weather",
      input: z.object({ city: z.string() }),
      run: ({ city }) => {
        asked.push(city);
        return { degrees: 21 };
      },
    });
    const guide = agent({ name: "guide", model: `${provider}/test-model`, tools: [weather] });
    await using atlas = await createAtlas({ directory: directory(), environment: environment(), recover: false });
    const run = await atlas.start(guide, "weather please");
    const live: string[] = [];
    for await (const event of run.events())
      if (event.type === "text.delta") live.push((event.data as { text: string }).text);
    const result = await run.result();
    expect(asked).toEqual(["Łódź"]);
    expect(result).toMatchObject({
      output: "It is 21 degrees.",
      model: `${provider}/test-model`,
      steps: 2,
      finishReason: "stop",
    });
    expect(live.join("")).toBe("It is 21 degrees.");
    expect(live.length).toBeGreaterThan(1);
  },
);

it.each(["openai", "ollama"] as const)(
  "what a model does wrong over %s is told to it, and bounded",
  async (provider) => {
    const [, environment] = environments.find(([name]) => name === provider) ?? environments[0];
    const weather = tool({ name: "weather", input: z.object({ city: z.string() }), run: () => 21 });
    const guide = agent({ name: "guide", model: `${provider}/test-model`, tools: [weather] });
    await using atlas = await createAtlas({ directory: directory(), environment: environment(), recover: false });
    for (const goal of provider === "openai" ? ["broken", "mistyped"] : ["mistyped"]) {
      const run = await atlas.start(guide, goal);
      expect(await run.result()).toMatchObject({ output: "I asked wrongly.", steps: 2 });
      const failed = (await Array.fromAsync(run.events())).filter(({ type }) => type === "tool.failed");
      expect(failed.map(({ data }) => data)).toMatchObject([
        { name: "weather", error: { code: "tool_input_invalid" } },
      ]);
    }
    const run = await atlas.start(guide, "for ever");
    expect(await run.result()).toMatchObject({ finishReason: "stuck", steps: 4 });
  },
);

it.each(environments)(
  "a wrong key of %s ends the run with what to do and without the key",
  async (provider, environment) => {
    await using atlas = await createAtlas({ directory: directory(), environment: environment(), recover: false });
    const run = await atlas.start("assistant", "refused, please", { model: `${provider}/test-model` });
    await expect(run.result()).rejects.toMatchObject({ code: "provider_authentication" });
    const log = JSON.stringify(await Array.fromAsync(run.events()));
    expect(log).toContain("provider_authentication");
    expect(log).not.toContain("canary");
  },
);

it("a dead endpoint ends the run as unreachable", async () => {
  const environment = { OPENAI_API_KEY: "test", OPENAI_BASE_URL: "http://127.0.0.1:9/v1" };
  await using atlas = await createAtlas({ directory: directory(), environment, recover: false });
  const run = await atlas.start("assistant", "anybody there?", { model: "openai/test-model" });
  await expect(run.result()).rejects.toMatchObject({ code: "provider_unreachable" });
});
