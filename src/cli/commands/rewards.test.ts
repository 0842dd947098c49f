import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeIo } from "../../../test/lib/fake-io.ts";
import { createAtlas } from "../../app/index.ts";
import { main } from "../main.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "atlas-rewards-cli-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function rewards(
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = fakeIo({ directory, environment: { OLLAMA_HOST: "127.0.0.1:9" } });
  return { code: await main(["rewards", ...argv], io), out: io.out(), err: io.err() };
}

test("what arms earned is shown, and who is benched", async () => {
  expect(await rewards()).toMatchObject({ code: 0, err: expect.stringContaining("No reward") as unknown });
  {
    await using atlas = await createAtlas({ directory, environment: {} });
    const ledger = await atlas.rewards();
    const entry = { task: "code", agent: "mender", tools: ["read"], parts: [], tokens: 100 };
    await ledger.record({ ...entry, id: "a", model: "a/one", offset: 10 });
    await ledger.record({ ...entry, id: "b", model: "a/one", offset: -2 });
    await ledger.record({ ...entry, id: "c", model: "b/two", offset: 1 });
    const bench = {
      key: "k",
      state: "benched",
      reason: "harmful",
      since: 1,
      until: 2,
      times: 1,
      changedBy: "",
      revision: 1,
    } as const;
    await ledger.writeBench(bench);
  }
  const { out } = await rewards();
  expect(out).toContain(
    "mender a/one · tools read · code: 2 runs (1 paid off, 0 without effect, 1 added debt), ln reward -11.51",
  );
  expect(out).toContain("benched k: harmful until 1970-01-01T00:00:00.002Z");
  const { arms, benches } = JSON.parse((await rewards("--model", "b/two", "--json")).out) as {
    arms: unknown[];
    benches: unknown[];
  };
  expect([arms, benches]).toMatchObject([[{ agent: "mender", runs: { positive: 1 } }], [{ key: "k" }]]);
});
