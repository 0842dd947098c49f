import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { agent } from "../agents/index.ts";
import { createAtlas } from "../app/index.ts";
import { scripted } from "../providers/index.ts";
import { team } from "../teams/index.ts";
import { tool } from "../tools/index.ts";
import type { Call } from "./command.ts";
import { followRun } from "./follow-run.ts";
import { createScreen } from "./screen.ts";

test("what a member of a team waits for is told, with the run that is to be answered", async () => {
  const directory = mkdtempSync(join(tmpdir(), "atlas-follow-"));
  let told = "";
  const asked = Promise.withResolvers<void>();
  const output = { isTTY: false, colours: false, erasable: false, columns: 80 };
  const screen = createScreen({
    stdout: { ...output, write: () => {} },
    stderr: { ...output, write: (text) => ((told += text).includes("Answer it with") ? asked.resolve() : undefined) },
    readInput: async () => "",
    canAsk: false,
    directory,
    onSignal: () => ({ [Symbol.dispose]() {} }),
    exit: () => {},
  });
  const pay = tool({ name: "pay", input: z.object({}), approval: true, run: () => "paid" });
  const model = scripted([{ toolCalls: [{ name: "pay", input: {} }] }, "Bought."]);
  const buyer = agent({ name: "buyer", model, tools: [pay] });
  const crew = team({ name: "crew", members: [buyer], run: async (context, goal) => await context.ask(buyer, goal) });
  {
    await using atlas = await createAtlas({ directory, environment: {}, worker: false });
    const run = await atlas.start(crew, "Buy it.");
    const interrupt = { signal: new AbortController().signal };
    const ending = followRun(atlas, run, { screen, interrupt } as Call);
    await asked.promise;
    const [, id = "", signal = ""] = /atlas runs signal (\S+) (\S+)/.exec(told) ?? [];
    expect(id).not.toBe(run.id);
    await (await atlas.runs.open(id)).signal(signal, { approved: true });
    expect(await ending).toMatchObject({ kind: "result", result: { text: "Bought." } });
  }
  rmSync(directory, { recursive: true });
});
