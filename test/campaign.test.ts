import { expect, it } from "vitest";
import { campaign } from "./campaign/campaign.ts";

it("keeps every promise while workers and the server are killed, frozen and misled", { timeout: 180_000 }, async () => {
  const seed = Number(process.env["ATLAS_TEST_SEED"] ?? Date.now() % 1_000_000);
  const report = await campaign({ seed, seconds: 8, storage: "sqlite", features: [] });
  expect(report, `seed ${seed}`).toMatchObject({ violations: [] });
  expect(report.kills).toBeGreaterThan(10);
});
