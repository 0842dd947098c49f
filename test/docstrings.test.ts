import { describe, expect, it } from "vitest";
import { findFaults } from "../tools/lib/docstrings.ts";
import { findShapeFaults } from "../tools/lib/shapes.ts";
import { summarize } from "../tools/lib/test-summary.ts";

const faultsOf = (text: string): readonly string[] =>
  findFaults({ path: "src/a.ts", text }).map(({ line, name, message }) => `${line} ${name} ${message}`);

describe("the check of docstrings", () => {
  it.each([
    "/** Makes a thing. */\nexport function make(): void {}",
    "/**\n * Is a thing.\n *\n * Units: ms.\n */\nexport interface Thing {}",
    "/** Are the things. */\nexport type Things = string;",
    "/** Adds one. */\nexport function add(a: 1): 1;\nexport function add(a: number): number { return a; }",
    "/** Holds it. */\nconst held = 1;\nexport { held };",
    'export { other } from "./b.ts";',
    "const hidden = 1;",
  ])("passes %j", (text) => {
    expect(faultsOf(text)).toEqual([]);
  });

  it.each([
    ["export const a = 1;", "1 a has no docstring"],
    ["// Makes a.\nexport const a = 1;", "2 a has no docstring"],
    ["/** Makes a. */\nconst b = 1;\nexport const a = 1;", "3 a has no docstring"],
    ["const a = 1;\nexport { a };", "1 a has no docstring"],
    [
      "/** The thing. */\nexport class Thing {}",
      '2 Thing has a docstring that begins with "the", which is no verb in the third person',
    ],
    [
      "/** Options of it. */\nexport type A = 1;",
      '2 A has a docstring that begins with "options", which is no verb in the third person',
    ],
    ["/** makes it. */\nexport type A = 1;", "2 A has a docstring that does not begin with a capitalised word"],
  ])("finds %j", (text, message) => {
    expect(faultsOf(text)).toEqual([message]);
  });
});

describe("the check of shapes", () => {
  const members = (count: number, member: string): string =>
    Array.from({ length: count }, (_, index) => `m${index}${member};`).join(" ");
  const shapeFaultsOf = (text: string, path = "src/a.ts"): number => findShapeFaults({ path, text }).length;

  it("lets options have ten members and ports eight methods", () => {
    expect(
      shapeFaultsOf(`interface AOptions { ${members(10, ": string")} } interface Port { ${members(8, "(): void")} }`),
    ).toBe(0);
    expect(shapeFaultsOf(`interface Data { ${members(20, ": string")} } class Failure extends Error {}`)).toBe(0);
  });

  it("finds what is larger, and inheritance", () => {
    expect(shapeFaultsOf(`interface AOptions { ${members(11, ": string")} }`)).toBe(1);
    expect(shapeFaultsOf(`type AOptions = { ${members(11, ": string")} }`)).toBe(1);
    expect(shapeFaultsOf(`interface Port { ${members(9, "(): void")} }`)).toBe(1);
    expect(shapeFaultsOf(`interface Port { ${members(9, ": () => void")} }`)).toBe(1);
    expect(shapeFaultsOf("class A extends B {}")).toBe(1);
  });

  it("lets an adapter extend a class of its vendor, and nothing else", () => {
    const saver = (from: string): string => `import { B } from "${from}"; class A extends B {}`;
    expect(shapeFaultsOf(saver("vendor"), "src/graph/adapters/vendor.ts")).toBe(0);
    expect(shapeFaultsOf(saver("./b.ts"), "src/graph/adapters/vendor.ts")).toBe(1);
    expect(shapeFaultsOf(saver("vendor"))).toBe(1);
  });
});

describe("the last line of a test run", () => {
  const report = (counts: { passed: number; failed: number; pending: number }, files: readonly object[] = []): string =>
    JSON.stringify({
      numPassedTests: counts.passed,
      numFailedTests: counts.failed,
      numPendingTests: counts.pending,
      numTodoTests: 0,
      testResults: files,
    });

  it("counts what passed, failed and was skipped", () => {
    expect(summarize(report({ passed: 3, failed: 0, pending: 0 }), 0)).toEqual({
      line: "3 passed, 0 failed",
      notes: [],
      exitCode: 0,
    });
    expect(summarize(report({ passed: 3, failed: 2, pending: 1 }), 1).line).toBe("3 passed, 2 failed, 1 skipped");
  });

  it("counts a file that does not load, the coverage gate and an empty run as failures", () => {
    const broken = { name: "a.test.ts", status: "failed", assertionResults: [] };
    expect(summarize(report({ passed: 3, failed: 0, pending: 0 }, [broken]), 1).line).toBe("3 passed, 1 failed");
    expect(summarize(report({ passed: 3, failed: 0, pending: 0 }), 1)).toMatchObject({
      line: "3 passed, 1 failed",
      exitCode: 1,
    });
    expect(summarize(report({ passed: 0, failed: 0, pending: 4 }), 0)).toMatchObject({
      line: "0 passed, 1 failed, 4 skipped",
      exitCode: 1,
    });
    expect(summarize(undefined, 0)).toMatchObject({ line: "0 passed, 1 failed", exitCode: 1 });
  });
});
