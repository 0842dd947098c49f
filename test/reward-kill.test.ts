import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("lib/reward-program.ts", import.meta.url));

test("a process that is killed between the ledger and the log counts its run once, and another tells of it", () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-reward-kill-"));
  const start = (...argv: readonly string[]) =>
    spawnSync(process.execPath, [program, ...argv], { cwd: folder, encoding: "utf8", timeout: 30_000 });
  const killed = start("die");
  expect([killed.signal, killed.stdout, killed.stderr]).toEqual(["SIGKILL", "", ""]);
  const { stdout, stderr, status } = start();
  expect([stderr, status]).toEqual(["", 0]);
  const { recorded, arms } = JSON.parse(stdout) as { recorded: unknown[]; arms: unknown[] };
  expect(recorded).toMatchObject([{ offset: 7, before: 9, after: 2 }]);
  expect(arms).toMatchObject([{ agent: "work", runs: { positive: 1, zero: 0, negative: 0 } }]);
  rmSync(folder, { recursive: true });
});
