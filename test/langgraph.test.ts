import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { seededRandom } from "../src/base/index.ts";

const worker = fileURLToPath(new URL("langgraph/worker.ts", import.meta.url));
const rounds = 12;

interface Ended {
  readonly isKilled: boolean;
  readonly output: string;
  readonly talk: string;
}

/** Runs the worker; kills it a moment after it has said so many things. */
async function attempt(
  folder: string,
  kill?: { readonly afterLines: number; readonly afterMs: number },
): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=atlas-source", worker, folder], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let talk = "";
  let isAimed = false;
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (isAimed || kill === undefined || output.split("\n").length <= kill.afterLines) return;
    isAimed = true;
    void delay(kill.afterMs).then(() => child.kill("SIGKILL"));
  });
  child.stderr.on("data", (chunk) => (talk += chunk));
  const signal = await new Promise((resolve) => child.once("close", (_, by) => resolve(by)));
  return { isKilled: signal === "SIGKILL", output: output.split("\n").at(-1) ?? "", talk };
}

const done = (folder: string): readonly string[] =>
  readFileSync(join(folder, "record.txt"), "utf8").split("\n").filter(Boolean);

it(
  "a LangGraph graph in a node that is killed at random points goes on from its own checkpoint",
  { timeout: 120_000 },
  async () => {
    const seed = Number(process.env["ATLAS_TEST_SEED"] ?? Date.now() % 1_000_000);
    const random = seededRandom(seed);
    const folder = mkdtempSync(join(tmpdir(), "atlas-langgraph-"));
    try {
      const words = Array.from({ length: rounds }, (_, round) => ["a", "b", "c", "d"].map((name) => `${name}${round}`));
      let kills = 0;
      let ended: Ended;
      do {
        const aim = { afterLines: 1 + Math.floor(random.next() * 8), afterMs: random.next() * 10 };
        ended = await attempt(folder, kills < 8 ? aim : undefined);
        if (ended.isKilled) kills++;
      } while (ended.isKilled);
      expect(ended.talk, `seed ${seed}`).toBe("");
      expect(JSON.parse(ended.output), `seed ${seed}`).toEqual({ words: words.flat() });
      expect(kills, `seed ${seed}: it ended before it was killed`).toBeGreaterThan(1);
      // What was under way when a kill came is done again: at most the two branches. What was done before is not.
      expect(new Set(done(folder)).size).toBe(rounds * 4);
      expect(done(folder).length - rounds * 4, `seed ${seed}: how much was done again`).toBeLessThanOrEqual(kills * 2);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
