import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { createAtlas } from "../app/index.ts";
import { scripted } from "../providers/index.ts";
import { tool } from "../tools/index.ts";
import { agent } from "./agent.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "atlas-ending-"))));
afterEach(() => rmSync(folder, { recursive: true }));

it("a tool that ends ends the run with its output, once a call of it succeeds", async () => {
  const decide = tool({
    name: "decide",
    input: z.object({ yes: z.boolean() }),
    ends: true,
    run: ({ yes }) => ({ decided: yes }),
  });
  const model = scripted([
    { toolCalls: [{ name: "decide", input: { yes: "perhaps" } }] },
    { text: "So be it.", toolCalls: [{ name: "decide", input: { yes: true } }] },
    { text: "never said" },
  ]);
  await using atlas = await createAtlas({ directory: folder, environment: {} });
  const result = await (
    await atlas.start(agent<unknown>({ name: "judge", model, tools: [decide] }), "Decide.")
  ).result();
  expect(result).toMatchObject({
    output: { decided: true },
    text: "So be it.",
    steps: 2,
    finishReason: "stop",
    metadata: { endedBy: "decide" },
  });
});
