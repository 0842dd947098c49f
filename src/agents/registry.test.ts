import fc from "fast-check";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { compareVersions, satisfiesVersion } from "../base/index.ts";
import { tool } from "../tools/index.ts";
import { agent } from "./agent.ts";
import type { AnyAgent } from "./agent.ts";
import { agentFactory } from "./agent-factory.ts";
import { createRegistry } from "./registry.ts";

const made = (name: string, options: object = {}): AnyAgent => agent<unknown>({ name, ...options });

test("an agent is found by name, and by a range of versions the newest that fits", () => {
  const registry = createRegistry();
  const versions = ["1.0.0", "2.0.0-beta.1", "1.4.0", "1.10.0"].map((version) => made("guide", { version }));
  for (const each of versions) registry.register(each);
  expect(registry.get("guide")).toBe(versions[3]);
  expect(registry.get("guide", "~1.4.0")).toBe(versions[2]);
  expect(registry.get("guide", "^2.0.0-beta")).toBe(versions[1]);
  expect(registry.list().map(({ version }) => version)).toEqual(["2.0.0-beta.1", "1.10.0", "1.4.0", "1.0.0"]);
});

test("an agent that is not there is refused with those that are, one of no such version with its versions", () => {
  const registry = createRegistry();
  registry.register(made("guide", { version: "1.2.0" }));
  expect(() => registry.get("gide")).toThrow("No agent gide is registered; known: guide.");
  expect(() => registry.get("guide", "^2")).toThrow("No agent guide in ^2 is registered; there is 1.2.0.");
  expect(() => registry.get("guide", "new")).toThrow(expect.objectContaining({ code: "invalid_input" }));
});

test("the newest that fits is given, whatever the versions and the range", () => {
  const number = fc.integer({ min: 0, max: 3 });
  const version = fc.tuple(number, number, number).map((parts) => parts.join("."));
  const range = fc.tuple(fc.constantFrom("^", "~", ">=", "<", ""), version).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.uniqueArray(version, { minLength: 1 }), range, (versions, wanted) => {
      const registry = createRegistry();
      for (const each of versions) registry.register(made("guide", { version: each }));
      const fitting = versions.filter((each) => satisfiesVersion(each, wanted)).toSorted(compareVersions);
      if (fitting.length === 0) expect(() => registry.get("guide", wanted)).toThrow("there is");
      else expect(registry.get("guide", wanted).version).toBe(fitting.at(-1));
    }),
  );
});

test("a deprecated version is given only where nothing else fits, and warned of once", () => {
  const warned: string[] = [];
  const registry = createRegistry({ warn: (message) => void warned.push(message) });
  registry.register(made("guide", { version: "1.0.0" }));
  registry.register(
    made("guide", { version: "1.1.0", deprecated: { since: "1.1.0", use: "planner", reason: "it is slow" } }),
  );
  expect(registry.get("guide").version).toBe("1.0.0");
  expect(registry.get("guide", ">1.0.0").version).toBe("1.1.0");
  registry.get("guide", ">1.0.0");
  expect(warned).toEqual(["The agent guide 1.1.0 is deprecated since 1.1.0; it is slow; use planner."]);
});

test("two different agents of one name and version are refused with both places, the very same is none too many", () => {
  const registry = createRegistry();
  const guide = made("guide");
  registry.register(guide, { source: "one.ts" });
  registry.register(guide, { source: "one.ts" });
  expect(() => registry.register(made("guide"), { source: "two.ts" })).toThrow(
    "There are two agents named guide of version 1.0.0: in one.ts and in two.ts.",
  );
  const other = made("guide");
  registry.register(other, { source: "two.ts", replace: true });
  expect(registry.get("guide")).toBe(other);
});

test("what is said at registration is said over what the agent says, and checked", () => {
  const registry = createRegistry();
  registry.register(made("guide", { description: "own" }), { version: "3.0.0", capabilities: { travel: 0.5 } });
  expect(registry.get("guide")).toMatchObject({ version: "3.0.0", description: "own", capabilities: { travel: 0.5 } });
  expect(() => registry.register(made("other"), { version: "three", capabilities: { a: 2 } })).toThrow(
    expect.objectContaining({ code: "agent_invalid" }),
  );
});

test("a version is taken away, or all of a name; whoever listens hears of the newest", () => {
  const heard: unknown[] = [];
  const registry = createRegistry({ changed: (name, now) => void heard.push([name, now?.version]) });
  registry.register(made("guide", { version: "1.0.0" }));
  registry.register(made("guide", { version: "2.0.0" }));
  registry.register(made("guide", { version: "1.5.0" }));
  expect([registry.unregister("guide", "2.0.0"), registry.unregister("guide"), registry.unregister("guide")]).toEqual([
    1, 2, 0,
  ]);
  expect(heard).toEqual([
    ["guide", "1.0.0"],
    ["guide", "2.0.0"],
    ["guide", "1.5.0"],
    ["guide", undefined],
  ]);
});

const search = tool({ name: "search", version: "1.3.0", input: z.object({}), run: () => 1 });

test("a query gives those that can do it, the strongest first, deprecated ones last", () => {
  const registry = createRegistry();
  registry.register(made("expert", { capabilities: { research: 0.9, writing: 0.2 }, tools: [search] }));
  registry.register(made("writer", { capabilities: { research: 0.3, writing: 0.9 }, task: "writing" }));
  registry.register(made("old", { capabilities: ["research"], deprecated: {} }));
  const names = (query: Parameters<typeof registry.query>[0]) => registry.query(query).map(({ name }) => name);
  expect(names({ capability: "research" })).toEqual(["expert", "writer", "old"]);
  expect(names({ capability: ["research", "writing"] })).toEqual(["writer", "expert"]);
  expect(names({ task: "writing" })).toEqual(["writer", "expert"]);
  expect(names({ needs: { tools: ["search"] } })).toEqual(["expert"]);
  expect(names({ needs: { tools: { search: "^2.0.0" } } })).toEqual([]);
  expect(names({ needs: { output: true } })).toEqual([]);
  expect(names({ capability: "toString" })).toEqual([]);
  expect(names({})).toEqual(["expert", "writer", "old"]);
  expect(registry.query({ capability: ["research", "writing"] })[0]).toMatchObject({
    score: 0.6,
    strengths: { research: 0.3, writing: 0.9 },
  });
});

test("a query that asks for more finds no agent that one that asks for less does not", () => {
  const word = fc.constantFrom("a", "b", "c");
  const strengths = fc.dictionary(word, fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(fc.array(strengths, { maxLength: 6 }), fc.array(word), word, (all, asked, more) => {
      const registry = createRegistry();
      for (const [index, capabilities] of all.entries()) registry.register(made(`agent-${index}`, { capabilities }));
      const found = registry.query({ capability: asked });
      const narrower = registry.query({ capability: [...asked, more] });
      expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining(narrower.map(({ name }) => name)));
      const scores = found.map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((one, other) => other - one));
    }),
  );
});

test("everything that agents require and is not there is found at once", async () => {
  const registry = createRegistry({ tools: [search], hasModel: async (name) => name === "offline/extractive" });
  registry.register(
    made("lead", {
      requires: {
        agents: { writer: "^2.0.0", gone: "*", old: "*", helper: "*" },
        tools: { search: "^2.0.0", draw: "*" },
        models: ["offline/extractive", "openai/gpt"],
      },
    }),
    { source: "lead.ts" },
  );
  registry.register(made("writer", { version: "1.1.0" }));
  registry.register(made("old", { deprecated: { use: "writer" } }));
  registry.register(made("helper", { requires: { agents: { lead: "*" } } }));
  const forbidden = tool({
    name: "rm",
    input: z.object({}),
    permissions: ["shell"],
    examples: [{ input: {} }],
    run: () => 1,
  });
  registry.register(made("careful", { tools: [forbidden], permissions: [] }));
  const found = await registry.check();
  expect(found.map(({ level, kind, agent: name, message }) => [level, kind, name, message])).toEqual([
    ["warning", "permission", "careful", "careful has the tool rm, and does not allow it shell."],
    ["error", "version", "lead", "lead requires the agent writer in ^2.0.0, and there is 1.1.0."],
    ["error", "missing", "lead", "lead requires the agent gone (*), which is not there."],
    ["warning", "deprecated", "lead", "lead requires old: The agent old 1.0.0 is deprecated; use writer."],
    ["error", "version", "lead", "lead requires the tool search in ^2.0.0, and there is 1.3.0."],
    ["error", "missing", "lead", "lead requires the tool draw (*), which is not there."],
    ["error", "missing", "lead", "lead requires the model openai/gpt, which cannot be used here."],
    ["error", "cycle", "helper", "Agents require each other in a circle: helper requires lead requires helper."],
  ]);
  expect(found[1]?.source).toBe("lead.ts");
});

const city = agentFactory({
  name: "city-guide",
  description: "Knows one city.",
  capabilities: { travel: 0.7 },
  config: z.object({ city: z.string().min(1), days: z.coerce.number().default(1) }),
  make: ({ city: name, days }) => {
    expectTypeOf(days).toEqualTypeOf<number>();
    return made(`guide-${name}`, { instructions: `Plan ${days} days in ${name}.` });
  },
});

test("a factory makes an agent of a configuration that fits, and says of it what it does not say itself", async () => {
  const registry = createRegistry();
  registry.register(city);
  const guide = await registry.create("city-guide", { city: "Lisbon", days: "2" });
  expect(guide).toMatchObject({
    name: "guide-Lisbon",
    instructions: "Plan 2 days in Lisbon.",
    description: "Knows one city.",
  });
  expect(registry.get("guide-Lisbon")).toBe(guide);
  expect(registry.query({ capability: "travel" }).map(({ name }) => name)).toEqual(["guide-Lisbon"]);
  expect(registry.list().map(({ name, kind }) => [name, kind])).toEqual([
    ["city-guide", "factory"],
    ["guide-Lisbon", "agent"],
  ]);
});

test("a configuration that does not fit makes no agent, and is told where it is wrong", async () => {
  const registry = createRegistry();
  registry.register(city);
  const creating = registry.create("city-guide", { city: "", days: "many" });
  await expect(creating).rejects.toMatchObject({ code: "agent_config_invalid" });
  await expect(creating).rejects.toThrow(/city: .*days: /);
  await expect(registry.create("gone", {})).rejects.toMatchObject({ code: "agent_missing" });
  expect(registry.list()).toHaveLength(1);
});

test("a source is read again: its agents take the place of those that it gave, and who has an old one keeps it", async () => {
  let version = "1.0.0";
  let names = ["guide", "helper"];
  const source = {
    id: "guide",
    place: "agents/guide/agent.ts",
    load: async () => names.map((name) => made(name, { version })),
  };
  const registry = createRegistry({ sources: [source] });
  await registry.reload("guide");
  const old = registry.get("guide");
  [version, names] = ["1.1.0", ["guide"]];
  expect(await registry.reload("guide")).toMatchObject([{ name: "guide", version: "1.1.0", source: source.place }]);
  expect(registry.list().map((each) => [each.name, each.version])).toEqual([["guide", "1.1.0"]]);
  expect(old.version).toBe("1.0.0");
});

test("a source that fails changes nothing, and is among the problems until it is read", async () => {
  let fails = true;
  const load = async () => {
    if (fails) throw new Error("no luck today");
    return [made("guide")];
  };
  const clash = {
    id: "clash",
    place: "clash.ts",
    load: async () => [made("writer", { task: "x" }), made("twice"), made("twice")],
  };
  const registry = createRegistry({ sources: [{ id: "guide", place: "guide.ts", load }, clash] });
  registry.register(made("writer"));
  await expect(registry.reload("guide")).rejects.toThrow("no luck today");
  await expect(registry.reload("clash")).rejects.toMatchObject({ code: "agent_duplicate" });
  await expect(registry.reload("none")).rejects.toMatchObject({ code: "agent_missing" });
  expect(registry.list().map(({ name }) => name)).toEqual(["writer"]);
  expect(await registry.check()).toMatchObject([
    { kind: "module", source: "guide.ts", message: "no luck today" },
    { kind: "duplicate", source: "clash.ts" },
  ]);
  fails = false;
  await registry.reload("guide");
  expect(await registry.check()).toMatchObject([{ kind: "duplicate" }]);
});

test.each([{ given: "guide" }, { given: { name: "guide" } }, { given: undefined }])(
  "what is no agent is not registered: %j",
  ({ given }) => {
    const registry = createRegistry();
    const register: (value: unknown) => unknown = registry.register.bind(registry) as never;
    expect(() => register(given)).toThrow(expect.objectContaining({ code: "agent_invalid" }));
    expect(registry.list()).toEqual([]);
  },
);
