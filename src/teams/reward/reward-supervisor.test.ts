import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createAtlas } from "../../app/index.ts";
import { supervisor } from "../supervisor/index.ts";
import { withReward } from "./reward-team.ts";
import { textDebt } from "./text-debt.ts";

test("what feedback found lacking in a supervised text, and what was closed of it, is its reward", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-reward-supervisor-"));
  mkdirSync(join(folder, "docs"));
  writeFileSync(join(folder, "docs", "kettle.md"), "# Kettle\n\nThe Halden kettle brews tea at 82 degrees.\n");
  {
    await using atlas = await createAtlas({ directory: folder, environment: { OLLAMA_HOST: "127.0.0.1:9" } });
    const desk = withReward(supervisor({ name: "desk" }), { meter: textDebt(), task: "text" });
    const run = await atlas.start(
      desk,
      "At how many degrees does the Halden kettle brew tea? Who invented the Halden kettle?",
      { knowledge: ["docs"] },
    );
    const { metadata, text } = await run.result();
    expect(text).toContain("82");
    const points = metadata["feedback"] as readonly { readonly open: boolean; readonly weight: number }[];
    const closed = points.filter(({ open }) => !open).reduce((sum, { weight }) => sum + weight, 0);
    const [record] = await (await atlas.rewards()).records({ task: "text" });
    expect(record).toMatchObject({ id: run.id, agent: "desk", offset: closed });
    expect(record?.tokens).toBeGreaterThan(0);
  }
  rmSync(folder, { recursive: true });
});
