import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder } from "./make-folder.ts";

it("makes what is missing with its mode, and leaves alone what is there", () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-folder-"));
  makeFolder(join(folder, "a", "b"), 0o700);
  makeFolder(join(folder, "a", "b"));
  expect(statSync(join(folder, "a", "b")).mode & 0o777).toBe(0o700);
  writeFileSync(join(folder, "file"), "");
  expect(() => makeFolder(join(folder, "file", "below"))).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
  rmSync(folder, { recursive: true });
});

it.skipIf(!existsSync("/proc/version"))("fails at once where no folder can be made (needs /proc)", () => {
  expect(() => makeFolder("/proc/atlas/db")).toThrow(expect.objectContaining({ code: "ENOENT" }));
});
