import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { invokeTool } from "../tools/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import type { AnyAgent } from "./agent.ts";
import { agentClass, agentOf, isAgentClass, toolMethod } from "./agent-class.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "atlas-class-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const invocation = {
  runId: "run_1",
  callId: "call_1",
  idempotencyKey: "key",
  signal: new AbortController().signal,
  logger: silentLogger,
  progress() {},
};
const call = async (made: AnyAgent, name: string, input: { [key: string]: string }) => {
  const found = made.tools.find((each) => each.name === name);
  return found && (await invokeTool(found, input, invocation));
};

test("as functions they make an agent of a class, whose tools are called on its object", async () => {
  const Guide = agentClass({ name: "guide", instructions: "Plan a day out.", capabilities: ["travel"] })(
    class {
      readonly country = "Portugal";
      readonly weather = toolMethod({ input: z.object({ city: z.string() }), permissions: ["net"] })(
        ({ city }) => `sun in ${city}, ${this.country}`,
      );
      helper(): string {
        return "no tool";
      }
    },
  );
  expect(isAgentClass(Guide)).toBe(true);
  const made = agentOf(Guide);
  expect(made).toMatchObject({ kind: "agent", name: "guide", capabilities: { travel: 1 } });
  expect(made.tools.map(({ name, permissions }) => [name, permissions])).toEqual([["weather", ["net"]]]);
  expect(await call(made, "weather", { city: "Lisbon" })).toBe("sun in Lisbon, Portugal");
  await expect(call(made, "weather", {})).rejects.toMatchObject({ code: "tool_input_invalid" });
});

test("a method keeps its own type, and its input is that of the schema", () => {
  const method = toolMethod({ input: z.object({ city: z.string() }) })(({ city }: { city: string }) => city.length);
  expectTypeOf(method).toEqualTypeOf<(input: { city: string }) => number>();
  // @ts-expect-error the schema gives a text
  toolMethod({ input: z.object({ city: z.string() }) })(({ city }: { city: number }) => city);
});

test("an inherited tool counts, the nearest of a name", () => {
  const look = (description: string) => toolMethod({ description, input: z.object({}) })(() => description);
  class Base {
    readonly far: object = look("far");
  }
  const Guide = agentClass({ name: "guide" })(Base);
  const self = new Guide();
  Object.setPrototypeOf(
    self,
    Object.create(Guide.prototype, { near: { value: look("near") }, far: { value: look("hidden") } }) as object,
  );
  expect(agentOf(self).tools.map(({ name, description }) => [name, description])).toEqual([
    ["far", "far"],
    ["near", "near"],
  ]);
});

test("what is no such class is refused", () => {
  expect(isAgentClass(Date)).toBe(false);
  expect(() => agentOf(new Date())).toThrow(expect.objectContaining({ code: "agent_invalid" }));
});

const sample = `import { z } from "zod";
import { agentClass, toolMethod } from "atlas-agents";

@agentClass({ name: "guide", instructions: "Plan a day out.", version: "1.1.0" })
export class Guide {
  readonly #country: string = "Portugal";

  @toolMethod({ description: "Tells the weather.", input: z.object({ city: z.string() }) })
  weather({ city }: { city: string }): string {
    return \`sun in \${city}, \${this.#country}\`;
  }

  @toolMethod({ name: "long_way", input: z.object({ from: z.string() }), output: z.object({ km: z.number() }) })
  async way({ from }: { from: string }): Promise<{ km: number }> {
    return { km: from.length };
  }
}
`;

test("as standard decorators, compiled by tsc, they do the same", async () => {
  writeFileSync(join(directory, "guide.ts"), sample);
  writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  const paths = { "atlas-agents": [join(root, "src/agents/index.ts")] };
  // As a user's program would, but with the sources of the package in place of its declarations.
  const extended = join(root, "tsconfig.json");
  const compilerOptions = { target: "es2022", noEmit: false, outDir: "out", rootDir: "/", paths };
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ extends: extended, compilerOptions, include: [], files: ["guide.ts"] }),
  );
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", directory], {
    encoding: "utf8",
    stdio: "pipe",
  });
  // tsc writes the decorators out; the package itself is taken from here.
  const compiled = readFileSync(join(directory, "out", directory, "guide.js"), "utf8");
  expect(compiled).toContain("__esDecorate");
  const path = join(directory, "guide.mjs");
  writeFileSync(path, compiled.replace('"atlas-agents"', JSON.stringify(join(root, "src/agents/index.ts"))));
  const { Guide } = (await import(path)) as { readonly Guide: object };
  expect(isAgentClass(Guide)).toBe(true);
  const made = agentOf(Guide);
  expect(made).toMatchObject({ name: "guide", version: "1.1.0" });
  expect(made.tools.map(({ name }) => name)).toEqual(["weather", "long_way"]);
  expect(await call(made, "weather", { city: "Lisbon" })).toBe("sun in Lisbon, Portugal");
  expect(await call(made, "long_way", { from: "Porto" })).toEqual({ km: 5 });
}, 60_000);
