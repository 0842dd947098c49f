import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readErrorTables, renderErrorTables, unreachableCodes } from "../tools/lib/error-tables.ts";
import { root } from "../tools/lib/process.ts";
import { readSources } from "../tools/lib/sources.ts";

const tables = await readErrorTables();

describe("the error tables", () => {
  it("give every code once over all domains", () => {
    const codes = tables.flatMap(({ table }) => Object.keys(table));
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    expect(codes).toContain("internal_error");
  });

  it("hold no code that nothing throws", async () => {
    expect(unreachableCodes(tables, await readSources("src"))).toEqual([]);
  });

  it("are what docs/errors.md says", async () => {
    expect(await readFile(join(root, "docs/errors.md"), "utf8")).toBe(renderErrorTables(tables));
  });
});

describe("the search for unreachable codes", () => {
  const spec = { status: 500, retry: "never", exitCode: 1, summary: "It broke.", fix: "Mend it." } as const;
  const table = [{ domain: "x", table: { used_code: spec, dead_code: spec } }];
  const declared = {
    path: "src/x/errors.ts",
    text: "export const xErrors = defineErrors('x', { used_code: {}, dead_code: {} });",
  };
  const thrower = { path: "src/x/a.ts", text: "throw xErrors.create('used_code', 'It broke.');" };

  it("finds a code that stands in its table alone", () => {
    expect(unreachableCodes(table, [declared, thrower])).toEqual(["dead_code"]);
  });

  it("does not count a test's mention", () => {
    const test = { path: "src/x/a.test.ts", text: "expect(code).toBe('dead_code');" };
    expect(unreachableCodes(table, [declared, thrower, test])).toEqual(["dead_code"]);
  });
});
