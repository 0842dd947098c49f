import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { workflow } from "../runs/index.ts";
import { createAtlas } from "./create-atlas.ts";

it("writes what a run logs to stderr, without the keys that the settings hold", async () => {
  const directory = mkdtempSync(join(tmpdir(), "atlas-logger-"));
  const key = "Kf93hVq0-canary-Zp41";
  const talking = workflow({
    name: "talking",
    run: async (context) => context.logger.warn(`the key is ${key}`, { header: `x-${key}` }),
  });
  const written: string[] = [];
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await using atlas = await createAtlas({ directory, environment: { OPENAI_API_KEY: key } });
    await (await atlas.start(talking, null)).result();
  } finally {
    stderr.mockRestore();
  }
  expect(written.join("")).toContain("the key is [secret]");
  expect(written.join("")).not.toContain(key);
  rmSync(directory, { recursive: true });
});
