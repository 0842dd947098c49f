import { expect, it } from "vitest";
import { campaign } from "./kills/campaign.ts";

it(
  "goes on after kill -9 at random points of a 200-step run and does no recorded step twice",
  { timeout: 180_000 },
  async () => {
    const seed = Number(process.env["ATLAS_TEST_SEED"] ?? Date.now() % 1_000_000);
    const report = await campaign({ kills: 6, seed });
    expect(report, `seed ${seed}`).toMatchObject({ violations: [] });
    expect(report.kills).toBe(6);
  },
);
