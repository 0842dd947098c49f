import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findBreaches, floors, floorsOfTable, importsOf } from "../tools/lib/architecture.ts";
import { root } from "../tools/lib/process.ts";
import { readSources } from "../tools/lib/sources.ts";

describe("the floors", () => {
  it("are kept by every import of src", async () => {
    const breaches = findBreaches(await readSources("src"));
    expect(breaches.map(({ path, line, message }) => `${path}:${line} ${message}`)).toEqual([]);
  });

  it("are those of the table in ARCHITECTURE.md", async () => {
    expect(floorsOfTable(await readFile(join(root, "ARCHITECTURE.md"), "utf8"))).toEqual(floors);
  });

  it("cover every folder of src", async () => {
    const entries = await readdir(join(root, "src"), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    expect(folders.filter((folder) => floors[folder] === undefined && folder !== "testing")).toEqual([]);
  });
});

describe("the check of the floors", () => {
  const bad: readonly (readonly [path: string, text: string, reason: string])[] = [
    ["src/runs/a.ts", `import { x } from "../agents/index.ts";`, "only lower floors"],
    ["src/runs/a.ts", `import type { X } from "../providers/index.ts";`, "only lower floors"],
    ["src/runs/a.ts", `export type X = import("../providers/index.ts").Model;`, "only lower floors"],
    ["src/runs/a.ts", `export * from "../agents/index.ts";`, "only lower floors"],
    ["src/runs/a.ts", `await import("../agents/index.ts");`, "only lower floors"],
    ["src/runs/a.ts", `new Worker(new URL("../agents/worker.ts", import.meta.url));`, "past the index.ts"],
    ["src/runs/a.ts", `import { x } from "../storage/database.ts";`, "past the index.ts"],
    ["src/runs/a.ts", `import { x } from "../index.ts";`, "root index"],
    ["src/runs/a.ts", `import { x } from "../other/index.ts";`, "has no floor"],
    ["src/other/a.ts", `import { x } from "../base/index.ts";`, "has no floor"],
    ["src/runs/a.ts", `import { x } from "../storage/adapters/sqlite.ts";`, "imports the adapter"],
    ["src/storage/a.ts", `import { x } from "./adapters/sqlite.ts";`, "imports the adapter"],
    ["src/app/a.ts", `import { x } from "../testing/index.ts";`, "for tests alone"],
    ["src/app/a.ts", `import { x } from "../../tools/lib/process.ts";`, "outside src"],
    ["src/knowledge/a.ts", `import { parseDocument } from "htmlparser2";`, "vendor package"],
    ["src/knowledge/a.ts", `import { x } from "mdast-util-from-markdown/lib/x";`, "vendor package"],
    ["src/app/a.ts", `import { Command } from "commander";`, "only cli may"],
    ["src/testing/a.ts", `import { it } from "vitest";`, "only tests may"],
    ["src/base/a.ts", `import { readFile } from "node:fs/promises";`, "base does no I/O"],
    ["src/client/a.ts", `import { inspect } from "node:util";`, "browser"],
    ["src/runs/a.ts", `import { DatabaseSync } from "node:sqlite";`, "only an adapter"],
    ["src/runs/a.ts", `import fs from "fs";`, "without node:"],
    ["src/runs/a.ts", `await import(name);`, "computed"],
    ["src/runs/a.ts", `const home = process.env.HOME;`, "reads process.env"],
    ["src/runs/a.ts", `const home = process["env"]["HOME"];`, "reads process.env"],
    ["src/runs/a.ts", `const { env } = process;`, "reads process.env"],
    ["src/runs/a.ts", `import { env } from "node:process";`, "reads process.env"],
  ];

  it.each(bad)("refuses in %s: %s", (path, text, reason) => {
    expect(findBreaches([{ path, text }]).map((breach) => breach.message)).toEqual([expect.stringContaining(reason)]);
  });

  const good: readonly (readonly [path: string, text: string])[] = [
    ["src/runs/a.ts", `import { x } from "../storage/index.ts"; import { y } from "./journal.ts";`],
    ["src/runs/a.test.ts", `import { sqlite } from "../storage/adapters/sqlite.ts"; import { it } from "vitest";`],
    ["src/runs/a.test.ts", `import { manualClock } from "../testing/index.ts"; const home = process.env.HOME;`],
    ["src/app/a.ts", `import { sqlite } from "../storage/adapters/sqlite.ts"; const home = process.env.HOME;`],
    [
      "src/testing/a.ts",
      `import { sqlite } from "../storage/adapters/sqlite.ts"; import assert from "node:assert/strict";`,
    ],
    ["src/index.ts", `export * from "./app/index.ts";`],
    ["src/providers/adapters/openai.ts", `import { request } from "undici"; import { x } from "../model.ts";`],
    ["src/knowledge/a.ts", `import { z } from "zod"; import { hash } from "node:crypto";`],
    [
      "src/cli/commands/run.ts",
      `import { Command } from "commander"; import { createAtlas } from "../../app/index.ts";`,
    ],
  ];

  it.each(good)("allows in %s: %s", (path, text) => {
    expect(findBreaches([{ path, text }])).toEqual([]);
  });

  it("names the line of an import", () => {
    expect(importsOf({ path: "src/a.ts", text: `\n\nimport "./b.ts";` })).toEqual([{ specifier: "./b.ts", line: 3 }]);
  });
});
