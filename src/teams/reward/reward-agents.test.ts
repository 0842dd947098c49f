import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { agent } from "../../agents/index.ts";
import { createAtlas } from "../../app/index.ts";
import { scripted } from "../../providers/index.ts";
import type { ScriptedTurn } from "../../providers/index.ts";
import { tool } from "../../tools/index.ts";
import { armOf } from "./arm.ts";
import { codeDebt } from "./code-debt.ts";
import { rewardTeam } from "./reward-team.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atlas-reward-agents-"));
  mkdirSync(join(folder, "workspace", "test"), { recursive: true });
  writeFileSync(
    join(folder, "workspace", "package.json"),
    JSON.stringify({ type: "module", scripts: { test: "node --test" } }),
  );
  writeFileSync(
    join(folder, "workspace", "test", "add.test.js"),
    `import test from "node:test";\nimport assert from "node:assert";\nimport { add } from "../add.js";\ntest("adds", () => assert.equal(add(1, 2), 3));\n`,
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

const broken = "// TODO\nexport const add = (a, b) => a - b;\n";
const right = "export const add = (a, b) => a + b;\n";
const worse = "// TODO\n// TODO\nexport const add = (a, b) => a - b;\n";

test("of two agents that mend real code with a tool, the one that does is found, with its tokens and its tools", async () => {
  const write = tool({
    name: "write_file",
    input: z.object({ text: z.string() }),
    run: ({ text }) => writeFileSync(join(folder, "workspace", "add.js"), text),
  });
  const turns = (text: string, tokens: number): readonly ScriptedTurn[] =>
    Array.from({ length: 8 }, () => [
      { toolCalls: [{ name: "write_file", input: { text } }], usage: { inputTokens: tokens, outputTokens: 10 } },
      { text: "Done.", usage: { inputTokens: tokens, outputTokens: 10 } },
    ]).flat();
  const mends = agent({ name: "mends", tools: [write], model: scripted(turns(right, 500)) });
  const spoils = agent({ name: "spoils", tools: [write], model: scripted(turns(worse, 300)) });
  const team = rewardTeam({
    name: "menders",
    task: "code",
    arms: [armOf(mends), armOf(spoils)],
    coldRuns: 2,
    meter: codeDebt({ folder: join(folder, "workspace") }),
  });
  await using atlas = await createAtlas({ directory: folder, environment: {} });
  for (let round = 0; round < 6; round++) {
    writeFileSync(join(folder, "workspace", "add.js"), broken);
    await (await atlas.start(team, "Make the test pass.")).result();
  }
  const [best, worst] = await (await atlas.rewards()).list({ task: "code" });
  expect(best).toMatchObject({
    agent: "mends",
    tools: ["write_file"],
    runs: { positive: 4, zero: 0, negative: 0 },
    tokens: 4 * 1020,
  });
  // A failing test, which passes then, and a TODO.
  expect(best?.offset.mean).toBeCloseTo(8 + 0.25 + 0.5, 9);
  expect(worst).toMatchObject({ agent: "spoils", runs: { positive: 0, zero: 0, negative: 2 }, tokens: 2 * 620 });
});
