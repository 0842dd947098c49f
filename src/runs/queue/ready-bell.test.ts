import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import { manualClock } from "../../testing/index.ts";
import { runMigrations } from "../schema.ts";
import { createReadyBell } from "./ready-bell.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "atlas-bell-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("a look that fails is told while someone listens, and not once the listener has gone with its database", async () => {
  await using database = await sqlite({ path: join(folder, "atlas.db") });
  await database.migrate("runs", runMigrations);
  const clock = manualClock();
  const told: unknown[] = [];
  const reads = Promise.withResolvers<void>();
  let looks = 0;
  const failing = {
    ...database,
    listen: () => ({ [Symbol.dispose]() {} }),
    read: async () => {
      looks++;
      if (looks === 2) await reads.promise;
      throw new Error("closed");
    },
  };
  using bell = createReadyBell(failing, { clock, failed: (error) => told.push(error) });
  const listener = bell.listen(() => {});
  bell.look();
  await expect.poll(() => told.length).toBe(1);
  bell.look();
  await expect.poll(() => looks).toBe(2);
  listener[Symbol.dispose]();
  reads.resolve();
  await new Promise(setImmediate);
  expect(told).toHaveLength(1);
});
