import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../src/base/index.ts";
import { openBudgets } from "../../src/providers/money/open-budgets.ts";
import { createRuns } from "../../src/runs/index.ts";
import type { Runs } from "../../src/runs/index.ts";
import { check } from "./checker.ts";
import type { Evidence, FinalRun } from "./evidence.ts";
import { maxJumpMs, processFaults, strikeUntil } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { gather, readLetters } from "./gather.ts";
import { openGround } from "./grounds.ts";
import type { Ground } from "./grounds.ts";
import { queueLimits } from "./limits.ts";
import { Load } from "./load.ts";
import { Observer } from "./observer.ts";
import { allFeatures, plans } from "./plan.ts";
import type { Feature } from "./plan.ts";
import type { Database } from "../../src/storage/index.ts";
import { openStorage } from "./storage.ts";
import { forwardTickets, tellOfAll, tellOfRun } from "./stuck.ts";

/** Are the options of a campaign. Units: seconds of faults; after them all that was accepted must end. */
export interface CampaignOptions {
  readonly seed: number;
  readonly seconds: number;
  /** `sqlite`, `postgres` (both made for it), or the address of a PostgreSQL database. */
  readonly storage: string;
  /** Goes on with the faults until so many processes were killed, for at most five times as long: a slow machine starts few. */
  readonly minKills?: number;
  readonly workers?: number;
  readonly maxRuns?: number;
  readonly features?: readonly Feature[];
  readonly progress?: (text: string) => void;
}

/** Says what a campaign did and found. */
export interface CampaignReport {
  readonly seed: number;
  readonly runs: number;
  readonly kills: number;
  readonly violations: readonly string[];
  /** What else happened, for people: one line each. */
  readonly notes: readonly string[];
}

/** How long the first run may take to be accepted. */
const comingUpMs = 30_000;
/** How long everything that was accepted may take to end once the faults have stopped. */
const drainMs = 40_000;

/** Lets a seeded load run while processes are killed, frozen and misled, then checks everything that was promised. */
export async function campaign(options: CampaignOptions): Promise<CampaignReport> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-campaign-"));
  const trace = join(folder, "trace.jsonl");
  writeFileSync(trace, "");
  const { progress = () => {} } = options;
  try {
    await using ground = await openGround(options.storage, folder, progress);
    await using storage = await openStorage(ground.direct);
    const { database, queue } = storage;
    await using runs = await createRuns({ database, ...(queue === undefined ? {} : { queue }), worker: false });
    return await onGround(options, { database, runs, ground, folder, trace });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly database: Database;
  readonly runs: Runs;
  readonly ground: Ground;
  readonly folder: string;
  readonly trace: string;
}

async function onGround(options: CampaignOptions, stage: Stage): Promise<CampaignReport> {
  const { seed, progress = () => {}, features = allFeatures, maxRuns = Infinity } = options;
  const { database, runs, ground, folder, trace } = stage;
  const talk: string[] = [];
  const uses = new Set(features);
  if (uses.has("queue")) {
    for (const [name, limits] of Object.entries(queueLimits)) await runs.queues.limit(name, limits);
  }
  const fleet = new Fleet({
    storage: ground.storage,
    trace,
    cache: join(folder, "cache"),
    workers: options.workers ?? 4,
    random: seededRandom(seed + 1),
    crashes: 0.4,
    talk: (text) => void talk.push(text),
  });
  await fleet.start();
  const observer = new Observer(database, runs);
  let unfinished = 0;
  const load = new Load({ fleet, plans: plans(seed, uses), window: 48, maxRuns, unfinished: () => unfinished });
  const stop = new AbortController();
  const watching = watch(observer, load, { stop: stop.signal, saw: (count) => (unfinished = count), progress, fleet });
  const loading = load.go();
  const faults = [...processFaults(fleet, progress), ...ground.faults];
  // On a busy machine the processes take long to come up: what hits them before tests nothing.
  for (const end = Date.now() + comingUpMs; load.accepted.length === 0 && Date.now() < end;) await delay(50);
  await strikeUntil(enough(options, fleet), faults, seededRandom(seed + 2));
  await ground.calm();
  load.stop();
  await loading;
  progress("the faults have stopped; what was accepted has to end");
  const kills = fleet.kills;
  fleet.calm(2 * maxJumpMs);
  const left = await drained(database, observer, load);
  const letters = uses.has("dead") ? await readLetters(runs) : [];
  if (left.length === 0 && uses.has("dead")) {
    for (const { run } of letters) load.redrive(run);
    left.push(...(await drained(database, observer, load)));
  }
  stop.abort();
  await watching;
  await observer.done();
  const deaths = [...fleet.deaths];
  await fleet[Symbol.asyncDispose]();
  await using budgets = await openBudgets({ database });
  const evidence = await gather({ observer, load, runs, budgets, trace, letters, uses });
  const refused = load.refusals.map((text) => `refused: ${text}`);
  const idle = load.accepted.length === 0 ? ["nothing was accepted"] : [];
  const violations = [...idle, ...deaths, ...refused, ...left, ...check(evidence)];
  return { seed, runs: evidence.runs.size, kills, violations, notes: [...ground.skipped, ...notesOf(evidence, talk)] };
}

/** Gives the signal that ends the faults. */
function enough({ seconds, minKills = 0 }: CampaignOptions, fleet: Fleet): AbortSignal {
  const stop = new AbortController();
  const wait = async (): Promise<void> => {
    await delay(seconds * 1_000);
    const end = Date.now() + seconds * 4_000;
    while (fleet.kills < minKills && Date.now() < end) await delay(100);
    stop.abort();
  };
  void wait();
  return stop.signal;
}

/** Says what happened beside, for people. */
function notesOf({ runs, logs, trace }: Evidence, talk: readonly string[]): string[] {
  const by = new Map<string, number>();
  for (const { status, errorCode } of runs.values()) {
    const name = errorCode === undefined ? status : `${status} (${errorCode})`;
    by.set(name, (by.get(name) ?? 0) + 1);
  }
  const takeovers = [...logs.values()].flat().filter(({ type }) => type === "run.resumed").length;
  const bodies = trace.filter(({ kind }) => kind === "began").length;
  const ends = [...by].map(([name, count]) => `${count} ${name}`);
  return [
    `${ends.join(", ")}; ${takeovers} takeovers, ${bodies} bodies of steps`,
    ...new Set(talk.flatMap((text) => text.split("\n"))),
  ];
}

/** Looks at the runs again and again, follows some of them live, and answers what waits for a person. */
async function watch(
  observer: Observer,
  load: Load,
  options: {
    readonly stop: AbortSignal;
    readonly saw: (unfinished: number) => void;
    readonly progress: (text: string) => void;
    readonly fleet: Fleet;
  },
): Promise<void> {
  const { stop, saw, progress, fleet } = options;
  let told = Date.now();
  while (!stop.aborted) {
    const looked = await observer.look().catch(() => undefined);
    if (looked !== undefined) {
      saw(looked.unfinished.filter(({ status, isDue }) => isDue && status !== "waiting").length);
      for (const { run } of load.accepted.slice(0, followers)) observer.follow(run);
      load.adopt(looked.unfinished);
      load.decide(await observer.parked().catch(() => []));
      if (Date.now() - told > 5_000) {
        told = Date.now();
        progress(`${looked.total} runs, ${looked.unfinished.length} unfinished, ${fleet.kills} kills`);
      }
    }
    await delay(100);
  }
}

/** How many runs are followed live. */
const followers = 150;

/** Waits until nothing is unfinished; gives what did not end within the bound, with all that is known of it. */
async function drained(database: Database, observer: Observer, load: Load): Promise<string[]> {
  const end = Date.now() + drainMs;
  for (;;) {
    await forwardTickets(database).catch(() => {});
    const looked = await observer.look().catch(() => undefined);
    if (looked !== undefined && looked.unfinished.length === 0 && load.stories.size === 0) return [];
    if (Date.now() > end) return await leftOver(database, looked?.unfinished ?? [], load);
    await delay(100);
  }
}

async function leftOver(database: Database, unfinished: readonly FinalRun[], load: Load): Promise<string[]> {
  const left: string[] = [];
  for (const { id, status, plan } of unfinished) {
    const known = await tellOfRun(database, id);
    left.push([`${id}: I1 is still ${status} after the end of all faults (plan ${plan})`, ...known].join("\n  "));
  }
  const stories = load.stories.size === 0 ? [] : [`${load.stories.size} stories of the load have not ended`];
  return [...left, ...stories, ["what there is", ...(await tellOfAll(database))].join("\n  ")];
}
