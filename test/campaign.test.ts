import { expect, it } from "vitest";
import { campaign } from "./campaign/campaign.ts";

it.each(["sqlite", "postgres"])(
  "keeps every promise on %s while workers, the server and the database are killed, frozen, cut off and misled",
  { timeout: 240_000 },
  async (storage) => {
    const seed = Number(process.env["ATLAS_TEST_SEED"] ?? Date.now() % 1_000_000);
    const report = await campaign({ seed, seconds: 10, storage });
    expect(report, `seed ${seed}`).toMatchObject({ violations: [] });
    expect(report.kills).toBeGreaterThan(5);
  },
);
