import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { manualClock } from "../testing/manual-clock.ts";
import type { Database } from "../storage/index.ts";
import { database, useEngine } from "../../test/lib/engine.ts";
import { createLiveLogs, followRun } from "./follow.ts";
import type { FollowSource } from "./follow.ts";
import { Journal } from "./journal.ts";
import { LogWriter } from "./log-writer.ts";
import type { RunEvent } from "./run.ts";

useEngine();

const foreign =
  "INSERT INTO run_event(run_id, seq, type, at, data) SELECT ?1, coalesce(max(seq), 0) + 1, 'foreign', 0, 'null' FROM run_event WHERE run_id = ?1";
/** More than a tail keeps. */
const burst = 1_300;
let made = 0;

/** Makes a run, the writer of its log, and what following it needs. `away` says that another process executes it. */
async function setUp({ away = false, store = database }: { away?: boolean; store?: Database } = {}) {
  const clock = manualClock();
  const journal = new Journal(store, clock);
  const runId = `run_follow_${String(made++)}`;
  const run = { id: runId, workflow: "w", version: "1", owner: "own_1", status: "running", input: "null" } as const;
  await journal.write(journal.creation(run));
  const live = createLiveLogs();
  const writer = new LogWriter({
    journal,
    live,
    clock,
    lease: { runId, epoch: 1 },
    lastSeq: 1,
    committed: () => {},
    refused: () => {},
    paused: () => {},
    woken: () => {},
  });
  const run1 = { over: false, looks: 0 };
  const source: FollowSource = {
    journal,
    live,
    clock,
    place: () => {
      run1.looks++;
      return Promise.resolve(run1.over ? "nowhere" : away ? "elsewhere" : "here");
    },
  };
  const end = (): void => {
    run1.over = true;
    live.refresh(() => true);
  };
  return { clock, journal, runId, live, writer, source, state: run1, end };
}

/** Follows from an offset; every so many events it waits for the gate to open, and begins anew where it was. */
async function follow(
  { source, runId }: Awaited<ReturnType<typeof setUp>>,
  { after, pauseEvery, gate }: { after: number; pauseEvery: number; gate: () => Promise<void> },
): Promise<number[]> {
  const seen: number[] = [];
  for (let done = false; !done;) {
    done = true;
    for await (const event of followRun(source, runId, { after: seen.at(-1) ?? after })) {
      if (event.transient) continue;
      seen.push(event.seq);
      if (seen.length % pauseEvery !== 0) continue;
      await gate();
      if (seen.length % (2 * pauseEvery) !== 0) continue;
      done = false;
      break;
    }
  }
  return seen;
}

type Act = { readonly do: "append" | "burst" | "foreign" | "transient" | "open" } | Joining;
interface Joining {
  readonly do: "join";
  readonly after: number;
  readonly pauseEvery: number;
}

const acts = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constantFrom<"append" | "foreign" | "transient" | "open">("append", "foreign", "transient", "open"),
    }),
    fc.record({ do: fc.constant("burst" as const) }),
    fc.record({
      do: fc.constant("join" as const),
      after: fc.nat(40),
      pauseEvery: fc.constantFrom(50, 333, 1_000_000),
    }),
  ),
  { minLength: 3, maxLength: 15 },
);

async function play(script: readonly Act[]): Promise<void> {
  const run = await setUp();
  const open: (() => void)[] = [];
  let isOpen = false;
  const gate = (): Promise<void> => (isOpen ? Promise.resolve() : new Promise((resolve) => open.push(resolve)));
  const letOn = (): void => open.splice(0).forEach((resolve) => resolve());
  const followers: { after: number; seen: Promise<number[]> }[] = [];
  for (const act of script) {
    if (act.do === "append") await run.writer.append({ type: "own", data: null });
    if (act.do === "transient") run.writer.emit({ type: "delta", transient: true });
    if (act.do === "open") letOn();
    if (act.do === "burst") {
      for (let n = 0; n < burst; n++) run.writer.emit({ type: "own", data: n });
      await run.writer.append({ type: "own", data: "last" });
    }
    if (act.do === "foreign") {
      await database.write([{ sql: foreign, params: [run.runId] }]);
      run.live.refresh(() => true);
    }
    if (act.do === "join") followers.push({ after: act.after, seen: follow(run, { ...act, gate }) });
  }
  run.end();
  isOpen = true;
  letOn();
  const log = (await Array.fromAsync(run.journal.eventsAfter(run.runId, 0))).map(({ seq }) => seq);
  for (const { after, seen } of followers) expect(await seen).toEqual(log.filter((seq) => seq > after));
}

describe("followers of one run", () => {
  it(
    "see each entry once and in order, whatever their offsets, their pace and their restarts",
    { timeout: 60_000 },
    async () => {
      await fc.assert(fc.asyncProperty(acts, play), { numRuns: 25 });
    },
  );

  it("share one reader of the store and one look at whether the run lives, when another process executes it", async () => {
    let reads = 0;
    const counted: Database = {
      ...database,
      read: (statement, options) => {
        reads++;
        return database.read(statement, options);
      },
    };
    const run = await setUp({ away: true, store: counted });
    const control = new AbortController();
    const counts = Array.from({ length: 200 }, () => 0);
    const one = Promise.withResolvers<void>();
    const three = Promise.withResolvers<void>();
    const followers = counts.map(async (_, index) => {
      for await (const event of followRun(run.source, run.runId, { signal: control.signal })) {
        counts[index] = event.seq;
        if (counts.every((seq) => seq === 1)) one.resolve();
        if (counts.every((seq) => seq === 3)) three.resolve();
      }
    });
    await run.clock.waitForSleepers(1);
    await one.promise;
    reads = 0;
    const looks = run.state.looks;
    for (let n = 0; n < 2; n++) {
      await database.write([{ sql: foreign, params: [run.runId] }]);
      run.live.refresh(() => true);
    }
    await three.promise;
    expect(reads).toBeLessThanOrEqual(4);
    expect(run.state.looks).toBe(looks);
    run.state.over = true;
    await run.clock.waitForSleepers(1);
    await run.clock.advance(1_000);
    await Promise.all(followers);
    expect(run.state.looks).toBe(looks + 1);
  });

  it("who follows from the start sees what is transient in its place, also what is told while the store is first looked at", async () => {
    const run = await setUp();
    const events = followRun(run.source, run.runId, {});
    const first = events.next();
    run.writer.emit({ type: "own" });
    run.writer.emit({ type: "delta", transient: true });
    await run.writer.append({ type: "own", data: null });
    run.end();
    const seen = [(await first).value as RunEvent, ...(await Array.fromAsync(events))];
    expect(seen.map(({ type, seq }) => `${type} ${seq}`)).toEqual(["run.started 1", "own 2", "delta 2", "own 3"]);
  });

  it("hear why the store cannot be read, and may follow again once it can", async () => {
    const state = { broken: false };
    const breaking: Database = {
      ...database,
      read: (statement, options) =>
        state.broken ? Promise.reject(new Error("no disk")) : database.read(statement, options),
    };
    const run = await setUp({ store: breaking });
    const events = followRun(run.source, run.runId, {});
    expect((await events.next()).value).toMatchObject({ seq: 1 });
    const next = events.next();
    state.broken = true;
    run.live.refresh(() => true);
    await expect(next).rejects.toThrow("no disk");
    state.broken = false;
    const again = followRun(run.source, run.runId, { after: 1 });
    const second = again.next();
    await run.writer.append({ type: "own", data: null });
    expect((await second).value).toMatchObject({ seq: 2 });
    await again.return(undefined);
  });

  it("end with the reason of their signal, also while they wait", async () => {
    const run = await setUp();
    const control = new AbortController();
    const events = followRun(run.source, run.runId, { after: 1, signal: control.signal });
    const next = events.next();
    control.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
    expect(run.live.followed(run.runId)).toBe(false);
  });

  it("that come late are told what is transient only from then on", async () => {
    const run = await setUp();
    const types: string[] = [];
    const read = async (events: AsyncGenerator<RunEvent>, until: string): Promise<void> => {
      for await (const { type } of events) if (types.push(type) && type === until) return;
    };
    const first = followRun(run.source, run.runId, { after: 1 });
    const early = first.next();
    await run.writer.append({ type: "own", data: null });
    await early;
    run.writer.emit({ type: "early", transient: true });
    await first.next();
    const late = read(followRun(run.source, run.runId, { after: 1 }), "last");
    run.writer.emit({ type: "late", transient: true });
    await run.writer.append({ type: "last", data: null });
    await late;
    expect(types.filter((type) => type !== "late")).toEqual(["own", "last"]);
    await first.return(undefined);
  });
});
