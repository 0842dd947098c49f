import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../../src/base/index.ts";
import { createRuns } from "../../src/runs/index.ts";
import type { RunEvent } from "../../src/runs/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";

/** Says what a campaign did and found. `violations` is empty when every run ended and no recorded step happened again. */
export interface CampaignReport {
  readonly seed: number;
  readonly kills: number;
  readonly runs: number;
  readonly steps: number;
  readonly resumed: number;
  /** Steps that a kill hit between their effect and its record: done again by design, with the same idempotency key. */
  readonly doneAgainUnrecorded: number;
  readonly violations: readonly string[];
}

const cli = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const agents = fileURLToPath(new URL("./two-hundred-steps.ts", import.meta.url));
const turns = 100;

/**
 * Kills `atlas run` on a 200-step run with SIGKILL at random moments and starts the same command again, until the run is done;
 * begins the next run, until there were enough kills. An outside file counts what really happened.
 */
export async function campaign(options: {
  kills: number;
  seed: number;
  progress?: (text: string) => void;
}): Promise<CampaignReport> {
  const random = seededRandom(options.seed);
  const folder = mkdtempSync(join(tmpdir(), "atlas-kills-"));
  const record = join(folder, "record.txt");
  const violations: string[] = [];
  let kills = 0;
  let runs = 0;
  let resumed = 0;
  try {
    mkdirSync(join(folder, "project"));
    writeFileSync(join(folder, "project", "atlas.toml"), `modules = [${JSON.stringify(agents)}]\n`);
    writeFileSync(record, "");
    const usual = await attempt(folder, "warm up", undefined);
    while (kills < options.kills || runs === 0) {
      const goal = `Count, round ${runs++}`;
      for (let tries = 0; ; tries++) {
        const killAfter = kills < options.kills ? random.next() * usual.durationMs * 1.1 : undefined;
        const ended = await attempt(folder, goal, killAfter);
        if (ended.talk.includes("Resuming")) resumed++;
        if (ended.killed) {
          kills++;
          options.progress?.(`${kills} of ${options.kills} kills, ${runs} runs`);
          continue;
        }
        if (ended.exitCode !== 0) violations.push(`${goal}: exit ${ended.exitCode}: ${ended.talk.slice(-300)}`);
        if (!ended.output.includes(`Counted to ${turns}.`)) violations.push(`${goal}: no answer after ${tries} kills`);
        break;
      }
    }
    const checked = await check(folder, record);
    return { seed: options.seed, kills, runs, resumed, ...checked, violations: [...violations, ...checked.violations] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Ended {
  readonly killed: boolean;
  readonly exitCode: number | null;
  readonly output: string;
  readonly talk: string;
  readonly durationMs: number;
}

async function attempt(folder: string, goal: string, killAfterMs: number | undefined): Promise<Ended> {
  const begin = performance.now();
  const child = spawn(process.execPath, [cli, "run", goal, "--agent", "counter", "--json"], {
    cwd: join(folder, "project"),
    env: { ...process.env, KILLS_RECORD: join(folder, "record.txt"), ATLAS_LOG_LEVEL: "warn" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let talk = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (talk += chunk));
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  const stop = new AbortController();
  if (killAfterMs !== undefined) {
    void delay(killAfterMs, undefined, { signal: stop.signal }).then(
      () => child.kill("SIGKILL"),
      () => {},
    );
  }
  const { code, signal } = await exited;
  stop.abort();
  return { killed: signal === "SIGKILL", exitCode: code, output, talk, durationMs: performance.now() - begin };
}

/** Compares what happened, by the outside record, with what the logs hold. */
async function check(folder: string, record: string) {
  const violations: string[] = [];
  const happened = new Map<string, number>();
  for (const line of readFileSync(record, "utf8").split("\n").filter(Boolean))
    happened.set(line, (happened.get(line) ?? 0) + 1);
  await using database = await sqlite({ path: join(folder, "project", ".atlas", "atlas.db") });
  await using engine = await createRuns({ database });
  let steps = 0;
  let doneAgainUnrecorded = 0;
  for (const run of await engine.list({ limit: 10_000 })) {
    if (run.status !== "completed") violations.push(`${run.id} is ${run.status}`);
    const log = await Array.fromAsync((await engine.open(run.id)).events());
    if (log.some((event, index) => event.seq !== index + 1)) violations.push(`${run.id}: its log has a gap`);
    const keys = log.filter((event) => event.type === "step.completed").map((event) => event.key);
    steps += keys.length;
    if (new Set(keys).size !== keys.length) violations.push(`${run.id}: a step is recorded twice`);
    const again = Array.from({ length: turns }, (_, n) => {
      const times = happened.get(`${run.id} tool ${n}`) ?? 0;
      if (times === 0) violations.push(`${run.id}: step ${n} is recorded and never happened`);
      // It may happen again only while it is not recorded: once for each takeover between the step before it and its own record.
      const allowed = takeoversBefore(log, n);
      if (times - 1 > allowed)
        violations.push(`${run.id}: step ${n} happened ${times} times with ${allowed} takeovers before its record`);
      return Math.max(0, times - 1);
    }).reduce((sum, times) => sum + times, 0);
    doneAgainUnrecorded += again;
  }
  return { steps, doneAgainUnrecorded, violations };
}

function takeoversBefore(log: readonly RunEvent[], step: number): number {
  // What a step emits bears its key too: its record is its outcome alone.
  const recordOf = (n: number): number =>
    log.findIndex(
      ({ type, key }) => type === "step.completed" && key === (n === 0 ? "tool:count" : `tool:count#${n + 1}`),
    );
  const between = log.slice(step === 0 ? 0 : recordOf(step - 1), recordOf(step));
  return between.filter((event) => event.type === "run.resumed").length;
}
