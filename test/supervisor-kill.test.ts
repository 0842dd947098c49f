import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createAtlas } from "../src/index.ts";

const program = fileURLToPath(new URL("./supervisor/process.ts", import.meta.url));

function live(...options: string[]): Promise<string> {
  const child = spawn(process.execPath, [program, ...options], { stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? String(code))));
}

// Within the planning, within steps that are done at once, within the feedback of the first round, within the second, and the last.
it.each([2, 3, 5, 7, 9])(
  "a supervisor that is killed within call %i of a model goes on, and asks no role again for what is recorded",
  { timeout: 60_000 },
  async (killAt) => {
    const folder = mkdtempSync(join(tmpdir(), "atlas-supervisor-"));
    const record = join(folder, "record");
    writeFileSync(record, "");
    expect(await live(folder, record, "--kill-at", String(killAt))).toBe("SIGKILL");
    const before = readFileSync(record, "utf8").trim().split("\n");
    expect(before).toHaveLength(killAt);
    expect(await live(folder, record)).toBe("0");
    const calls = readFileSync(record, "utf8").trim().split("\n");
    await using atlas = await createAtlas({ directory: folder, environment: {}, recover: false });
    const [run] = await atlas.runs.list({ workflow: "team:crew" });
    expect(run).toMatchObject({ status: "completed" });
    const children = await atlas.runs.list({ parentId: run?.id ?? "", limit: 100 });
    const log = await Array.fromAsync((await atlas.runs.open(run?.id ?? "")).events({ live: false }));
    const count = (type: string): number => log.filter((event) => event.type === type).length;
    // 2 + 2 steps, twice feedback, and one of each of the others; only calls that were not recorded when it died are made again.
    expect(children).toHaveLength(9);
    expect(new Set(calls).size).toBe(9);
    expect(calls.length - 9).toBeLessThanOrEqual(2);
    expect([count("round.finished"), count("bias.granted"), count("completion.made")]).toEqual([2, 1, 1]);
    expect(count("message.sent")).toBe(7);
    rmSync(folder, { recursive: true });
  },
);
