import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { seededRandom } from "../src/base/index.ts";
import { createAtlas } from "../src/index.ts";

const worker = fileURLToPath(new URL("graphs/worker.ts", import.meta.url));

interface Ended {
  readonly isKilled: boolean;
  readonly output: string;
  readonly talk: string;
}

/** Tells what the nodes of a run did until now, a line for each time. */
function recorded(folder: string): readonly string[] {
  const path = join(folder, "record.txt");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
}

/** Runs the graph, from where it is; kills it when its nodes have done so much more. */
async function attempt(folder: string, killAfter: number | undefined): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=atlas-source", worker, folder], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let talk = "";
  const until = killAfter === undefined ? Infinity : recorded(folder).length + killAfter;
  const watch = setInterval(() => void (recorded(folder).length >= until && child.kill("SIGKILL")), 1);
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (talk += chunk));
  const signal = await new Promise((resolve) => child.once("close", (_, by) => resolve(by)));
  clearInterval(watch);
  return { isKilled: signal === "SIGKILL", output: output.replace(/^ready\n/, ""), talk };
}

it(
  "a graph that is killed at random points goes on, and does nothing twice that it had recorded",
  { timeout: 120_000 },
  async () => {
    const seed = Number(process.env["ATLAS_TEST_SEED"] ?? Date.now() % 1_000_000);
    const random = seededRandom(seed);
    const folder = mkdtempSync(join(tmpdir(), "atlas-graphs-"));
    try {
      let ended = await attempt(folder, undefined);
      const whole = JSON.parse(ended.output) as { readonly done: readonly string[] };
      expect(whole.done).toHaveLength(8 * 5 + 8);
      rmSync(folder, { recursive: true });
      const other = mkdtempSync(join(tmpdir(), "atlas-graphs-"));
      try {
        let kills = 0;
        for (let tries = 0; tries < 60; tries++) {
          ended = await attempt(other, kills < 6 ? Math.ceil(random.next() * 15) : undefined);
          if (!ended.isKilled) break;
          kills++;
        }
        expect(ended.talk, `seed ${seed}`).toBe("");
        expect(JSON.parse(ended.output), `seed ${seed}`).toEqual(whole);
        await check(other, seed);
      } finally {
        rmSync(other, { recursive: true });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** Compares what really happened with what the logs hold. */
async function check(folder: string, seed: number): Promise<void> {
  await using atlas = await createAtlas({ directory: folder, environment: {}, recover: false });
  const [run] = await atlas.runs.list({ workflow: "graph:killed" });
  const log = await Array.fromAsync((await atlas.runs.open(run?.id ?? "")).events({ live: false }));
  const keys = log.filter(({ type }) => type === "step.completed").map(({ key }) => key);
  expect(new Set(keys).size, `seed ${seed}: a step is recorded twice`).toBe(keys.length);
  const takeovers = log.filter(({ type }) => type === "run.resumed").length;
  expect(takeovers, `seed ${seed}: no kill left the run to be taken up`).toBeGreaterThan(0);
  const times = new Map<string, number>();
  for (const line of recorded(folder)) times.set(line, (times.get(line) ?? 0) + 1);
  // What a kill cut off between its effect and its record is done again, once for each takeover at most.
  for (const [what, count] of times) {
    const own = what.startsWith("child") && what.endsWith("a") ? 2 : 1;
    expect(count, `seed ${seed}: ${what}`).toBeLessThanOrEqual(own + takeovers);
  }
  const again = [...times.values()].reduce((sum, count) => sum + count, 0) - (8 + 8 * 4 * 3 + 8);
  expect(again, `seed ${seed}: how often something was done again`).toBeLessThanOrEqual(takeovers * 15);
}
