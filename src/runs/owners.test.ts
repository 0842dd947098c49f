import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemRandom } from "../base/index.ts";
import { sqlite } from "../storage/adapters/sqlite.ts";
import type { Database } from "../storage/index.ts";
import { manualClock } from "../testing/index.ts";
import type { ManualClock } from "../testing/index.ts";
import type { OwnLease } from "./own-lease.ts";
import { createOwnLease, leaseMs } from "./own-lease.ts";
import type { Owners } from "./owners.ts";
import { createOwners, lookMs } from "./owners.ts";
import { runMigrations } from "./schema.ts";

let folder: string;
let database: Database;
let clock: ManualClock;
const open: OwnLease[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-owners-"));
  database = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
  await database.migrate("runs", runMigrations);
  clock = manualClock();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((lease) => lease[Symbol.asyncDispose]()));
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Engine {
  readonly lease: OwnLease;
  readonly owners: Owners;
  readonly lost: string[];
}

/** Makes what an engine has of leases. Its timer never comes within a test: the test beats for it. */
function engine(on: Database = database): Engine {
  const lost: string[] = [];
  const lease = createOwnLease({
    database: on,
    clock,
    sources: { clock, random: systemRandom },
    name: "test",
    data: () => ({ runs: 1, maxRuns: 4, queues: ["mail"] }),
    lost: (owner) => lost.push(owner),
    failed: () => {},
  });
  open.push(lease);
  return { lease, owners: createOwners({ database: on, clock, mine: lease }), lost };
}

/** Looks as often as a worker does in that time. */
async function watch({ owners }: Engine, ms: number): Promise<readonly string[]> {
  let dead = await owners.look();
  for (let passed = 0; passed < ms; passed += lookMs) {
    await clock.advance(lookMs);
    dead = await owners.look();
  }
  return dead;
}

const never = new AbortController().signal;

it("the row of a dead owner stays until somebody who released what it had forgets it", async () => {
  const [owner, marker, other] = [engine(), engine(), engine()];
  const id = await owner.lease.own();
  const lost: Owners = createOwners({
    database: { ...database, isLocked: () => Promise.resolve(false) },
    clock,
    mine: marker.lease,
  });
  expect(await lost.bury(id)).toBe(true);
  await other.owners.forget([]);
  expect(await other.owners.look()).toEqual([id]);
  await other.owners.forget([id]);
  expect(await other.owners.look()).toEqual([]);
});

describe("an owner", () => {
  it("that goes on beating is never taken for dead", async () => {
    const [owner, observer] = [engine(), engine()];
    const id = await owner.lease.own();
    for (let beats = 0; beats < 20; beats++) {
      expect(await watch(observer, 3_000)).toEqual([]);
      await owner.lease.beat();
    }
    expect(owner.lease.isHeld(id)).toBe(true);
    expect(await observer.owners.isAliveElsewhere(id)).toBe(true);
  });

  it("that stands still is taken for dead after ten seconds, learns it before its next step, and gets a new id", async () => {
    const [owner, observer] = [engine(), engine()];
    const id = await owner.lease.own();
    expect(await watch(observer, leaseMs - lookMs)).toEqual([]);
    expect(await watch(observer, 2 * lookMs)).toEqual([id]);
    await expect(owner.lease.assertHeld(id, never)).rejects.toMatchObject({ code: "run_fenced" });
    expect(owner.lost).toEqual([id]);
    const next = await owner.lease.own();
    expect(next).not.toBe(id);
    expect(owner.lease.isHeld(next)).toBe(true);
    await expect(owner.lease.assertHeld(id, never)).rejects.toMatchObject({ code: "run_fenced" });
    expect(await observer.owners.isAliveElsewhere(id)).toBe(false);
  });

  it("that stood still unseen only beats before its next step", async () => {
    const owner = engine();
    const id = await owner.lease.own();
    await clock.advance(3_600_000);
    expect(owner.lease.isHeld(id)).toBe(false);
    await owner.lease.assertHeld(id, never);
    expect(owner.lease.isHeld(id)).toBe(true);
    expect(owner.lost).toEqual([]);
  });

  it("begins no step while its beat cannot be written, and goes on when it can", async () => {
    let broken = false;
    const flaky: Database = {
      ...database,
      write: (statements) => (broken ? Promise.reject(new Error("connection lost")) : database.write(statements)),
    };
    const owner = engine(flaky);
    const id = await owner.lease.own();
    broken = true;
    await clock.advance(leaseMs);
    let begun = false;
    const held = owner.lease.assertHeld(id, never).then(() => (begun = true));
    for (let tries = 0; tries < 5; tries++) {
      await clock.waitForSleepers(1);
      await clock.advance(1_000);
    }
    expect(begun).toBe(false);
    broken = false;
    await clock.waitForSleepers(1);
    await clock.advance(1_000);
    await held;
    expect(begun).toBe(true);
  });

  it("that waits to know whether it still owns its runs stops waiting when its run is stopped", async () => {
    const owner = engine();
    const id = await owner.lease.own();
    Object.assign(database, { write: () => Promise.reject(new Error("connection lost")) });
    await clock.advance(leaseMs);
    const stop = new AbortController();
    const held = owner.lease.assertHeld(id, stop.signal);
    stop.abort(new Error("closed"));
    await expect(held).rejects.toThrow("closed");
  });

  it("is not taken for dead by an observer that was frozen itself", async () => {
    const [owner, observer] = [engine(), engine()];
    await owner.lease.own();
    await observer.owners.look();
    await clock.advance(60_000);
    expect(await observer.owners.look()).toEqual([]);
    await owner.lease.beat();
    expect(await watch(observer, 5_000)).toEqual([]);
  });

  it("is listed with what it does, and gone from the list when it closes", async () => {
    const [owner, observer] = [engine(), engine()];
    const id = await owner.lease.own();
    const told = { id, name: "test", alive: true, runs: 1, maxRuns: 4, queues: ["mail"], lastBeatAgoMs: 0 };
    expect(await observer.owners.list()).toMatchObject([told]);
    await owner.lease[Symbol.asyncDispose]();
    expect(await observer.owners.list()).toEqual([]);
  });
});

describe("leases", () => {
  it("never let two owners of one run both begin a step", { timeout: 60_000 }, async () => {
    const who = fc.integer({ min: 0, max: 2 });
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.record({ does: fc.constant("beat" as const), who }) },
      {
        weight: 4,
        arbitrary: fc.record({ does: fc.constant("watch" as const), who, looks: fc.integer({ min: 1, max: 14 }) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ does: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
      },
      { weight: 2, arbitrary: fc.record({ does: fc.constant("step" as const), who }) },
      { weight: 1, arbitrary: fc.record({ does: fc.constant("die" as const), who }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60 }), async (commands) => {
        const world = await createWorld();
        for (const each of commands) {
          if (each.does === "wait") await clock.advance(each.ms);
          else if (each.does === "watch") await world.watch(each.who, each.looks);
          else await world[each.does](each.who);
          expect(world.believers().filter((id) => id !== world.truth())).toEqual([]);
        }
        await world.close();
      }),
      { numRuns: 60 },
    );
  });
});

/** Is a world of three engines that want to own one run. An engine that does nothing for a while is one that is frozen. */
async function createWorld() {
  await database.write([{ sql: "DELETE FROM run_owner" }]);
  const freed = new Set<string>();
  const shared: Database = {
    ...database,
    isLocked: async (name) => !freed.has(name) && (await database.isLocked(name)),
  };
  const engines = [engine(shared), engine(shared), engine(shared)];
  const beliefs = new Map<Engine, string>();
  const living = (who: number): Engine | undefined => engines[who];
  let truth = "nobody";
  return {
    truth: () => truth,
    /** Who would begin a step now without asking anybody. */
    believers: () => [...beliefs].filter(([{ lease }, id]) => lease.isHeld(id)).map(([, id]) => id),
    async beat(who: number) {
      await living(who)?.lease.beat();
    },
    async watch(who: number, looks: number) {
      const actor = living(who);
      const dead = actor && (await watch(actor, (looks - 1) * lookMs));
      if (!actor || (truth !== "nobody" && dead?.includes(truth) !== true)) return;
      truth = await actor.lease.own();
      beliefs.set(actor, truth);
    },
    async step(who: number) {
      const id = engines[who] && beliefs.get(engines[who]);
      if (id === undefined) return;
      const isHeld = await engines[who]?.lease.assertHeld(id, never).then(
        () => true,
        () => false,
      );
      if (isHeld) expect(id).toBe(truth);
    },
    async die(who: number) {
      const dead = living(who);
      if (!dead || dead.lease.id === undefined) return;
      freed.add(dead.lease.id);
      beliefs.delete(dead);
      engines[who] = engine(shared);
    },
    close: () => Promise.all(open.splice(0).map((lease) => lease[Symbol.asyncDispose]())),
  };
}
