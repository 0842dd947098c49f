import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { codeDebt } from "./code-debt.ts";
import type { CodeDebtOptions } from "./code-debt-options.ts";
import { debtOffset } from "./debt.ts";
import type { DebtReport } from "./debt.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "atlas-code-debt-"))));
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Installs tools as a workspace would have them. */
function install(...names: readonly string[]): void {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  for (const name of names) {
    symlinkSync(
      fileURLToPath(new URL(`../../../node_modules/${name}`, import.meta.url)),
      join(folder, "node_modules", name),
    );
  }
}

const measure = async (
  options: Partial<CodeDebtOptions> = {},
  signal = new AbortController().signal,
): Promise<DebtReport> => await codeDebt({ folder, ...options }).measure({ when: "before", goal: "" }, { signal });
const shown = ({ parts }: DebtReport) =>
  Object.fromEntries(parts.map(({ name, count, measured, note }) => [name, measured ? count : note]));

const script = (test: string): string => JSON.stringify({ type: "module", scripts: { test } });
const branches = Array.from({ length: 12 }, (_, index) => `  if (n === ${index}) return ${index * 7};`).join("\n");
const copy = Array.from({ length: 9 }, (_, index) => `  sum = sum + price(${index}) * rate[${index}] - 1;`).join("\n");
const price = "const price = (at: number): number => at;\nconst rate: readonly number[] = [];\n";
const sound = {
  "package.json": script("node --test"),
  "tsconfig.json": `{"compilerOptions":{"strict":true,"noEmit":true,"allowImportingTsExtensions":true,"types":[]},"include":["src"]}`,
};
const passing = `import test from "node:test";\nimport assert from "node:assert";\nimport { add } from "../src/add.ts";\n\ntest("adds", () => assert.equal(add(1, 2), 3));\ntest("adds nothing", () => assert.equal(add(1, 0), 1));\n`;

const indebted = {
  ...sound,
  "src/add.ts": `// TODO: add, do not subtract\nexport function add(a: number, b: number): number {\n  debugger;\n  return a - b;\n}\n`,
  "src/steps.ts": `/* FIXME a table */\nexport function steps(n: number): string {\n${branches}\n  return n;\n}\n`,
  "src/one.ts": `${price}export function one(): number {\n  let sum = 0;\n${copy}\n  return sum;\n}\n`,
  "src/two.ts": `${price}export function two(): number {\n  let sum = 0;\n${copy}\n  return sum;\n}\n`,
  "test/add.test.ts": passing,
};
const mended = {
  "src/add.ts": `export function add(a: number, b: number): number {\n  return a + b;\n}\n`,
  "src/steps.ts": `export function steps(n: number): string {\n  return String(n * 7);\n}\n`,
  "src/two.ts": `export { one as two } from "./one.ts";\n`,
};

test("a workspace in debt, then mended: every kind is measured with its own tools, and the offset is what was paid off", async () => {
  write(indebted);
  install("typescript", "oxlint");
  const before = await measure();
  expect(shown(before)).toMatchObject({
    type_errors: 13,
    failing_tests: 1,
    passing_tests: 1,
    complexity: 3,
    todos: 2,
  });
  const lint = before.parts.filter(({ name }) => name.startsWith("lint"));
  expect(lint.map(({ measured, note }) => [measured, note])).toEqual([
    [true, "oxlint"],
    [true, "oxlint"],
  ]);
  expect(lint.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(0);
  expect(before.parts.find(({ name }) => name === "duplication")?.count).toBeGreaterThanOrEqual(9);

  write(mended);
  const after = await measure();
  expect(shown(after)).toMatchObject({
    type_errors: 0,
    failing_tests: 0,
    passing_tests: 2,
    complexity: 0,
    duplication: 0,
    todos: 0,
  });
  const { offset, parts } = debtOffset(before, after);
  expect(offset).toBeCloseTo(before.total - after.total, 9);
  expect(offset).toBeGreaterThan(13 * 4 + 8);
  expect(parts.every(({ state }) => state === "compared")).toBe(true);
  expect(debtOffset(after, before).offset).toBe(-offset);
});

test("what cannot be measured says why, and counts nothing", async () => {
  write({ "src/a.py": "def f():\n    pass # TODO\n" });
  const report = await measure();
  expect(shown(report)).toEqual({
    lint_errors: "no oxlint, eslint or biome is installed in the workspace",
    lint_warnings: "no oxlint, eslint or biome is installed in the workspace",
    type_errors: "there is no tsconfig.json",
    failing_tests: "there is no package.json with a test script, and no test command was given",
    passing_tests: "there is no package.json with a test script, and no test command was given",
    complexity: 0,
    duplication: 0,
    todos: 1,
  });
  expect(report.total).toBe(0.5);
});

test("a script that needs a shell is not run, and nothing is where that is not wanted", async () => {
  write({ "package.json": script("touch ran && exit 1") });
  expect(shown(await measure())["failing_tests"]).toBe("the test script needs a shell; give a test command");
  write({ "package.json": script("node --test") });
  expect(shown(await measure({ run: false }))["failing_tests"]).toBe("no command of the workspace may be run");
});

test("a folder that is none is refused", async () => {
  await expect(measure({ folder: join(folder, "none"), run: false })).rejects.toThrow(
    expect.objectContaining({ code: "reward_invalid" }),
  );
});

test("commands end in time, with all that they started, and see no secret", async () => {
  process.env["ATLAS_SECRET_OF_TEST"] = "hidden";
  write({
    "hang.mjs": `import { spawn } from "node:child_process"; spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" }); setInterval(() => {}, 1000);`,
    "env.mjs": `process.exitCode = process.env.ATLAS_SECRET_OF_TEST === undefined && process.env.OWN === "1" ? 0 : 1;`,
    "flood.mjs": `const line = "x".repeat(1 << 20); const go = () => { while (process.stdout.write(line)); process.stdout.once("drain", go); }; go();`,
  });
  const failing = async (program: string, options: Partial<CodeDebtOptions> = {}, signal?: AbortSignal) =>
    shown(await measure({ testCommand: [process.execPath, program], ...options }, signal))["failing_tests"];
  expect(await failing("hang.mjs", { timeoutMs: 300 })).toBe("the test command ended: timed_out");
  expect(await failing("env.mjs", { environment: { OWN: "1" } })).toBe(0);
  expect(await failing("flood.mjs")).toBe("the test command ended: too_much");
  expect(await failing("none.mjs")).toBe(1);
  expect(shown(await measure({ testCommand: [join(folder, "no-program")] }))["failing_tests"]).toBe(
    "the test command ended: not_started",
  );
  await expect(failing("hang.mjs", {}, AbortSignal.timeout(200))).rejects.toThrow(/timeout/i);
  delete process.env["ATLAS_SECRET_OF_TEST"];
});

test("tests that a runner reports are counted, also those of a command that is given", async () => {
  write({ "check.sh": "#!/bin/sh\necho 'ok 1 - a'\necho 'not ok 2 - b'\necho 'not ok 3 - c'\nexit 1\n" });
  chmodSync(join(folder, "check.sh"), 0o755);
  expect(shown(await measure({ testCommand: [join(folder, "check.sh")] }))).toMatchObject({
    failing_tests: 2,
    passing_tests: 1,
  });
});

test("vitest is asked for what can be counted, and a file that does not load is a failure", async () => {
  write({
    "package.json": script("npm run unit").replace("}}", ',"unit":"vitest"}}'),
    "a.test.js": `import { it } from "vitest"; it("a", () => {}); it("b", () => { throw new Error("b"); }); it("c", () => {});`,
  });
  install("vitest");
  expect(shown(await measure())).toMatchObject({ failing_tests: 1, passing_tests: 2 });
  write({ "a.test.js": `import { it } from "vitest"; it("a", () => {});`, "b.test.js": `import "./none.js";` });
  expect(shown(await measure())).toMatchObject({ failing_tests: 1, passing_tests: 1 });
});
