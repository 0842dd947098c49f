import { expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../base/index.ts";
import { createKnowledge } from "../knowledge/index.ts";
import { group, scripted } from "../providers/index.ts";
import type { Model } from "../providers/index.ts";
import { tool } from "../tools/index.ts";
import { surroundingsOf } from "../../test/lib/surroundings.ts";
import { database, restart, runs, useEngine } from "../../test/lib/engine.ts";
import { agent } from "./agent.ts";
import { agentWorkflow } from "./agent-workflow.ts";
import { queryPerformance } from "./query-performance.ts";

useEngine();

const echo = tool({ name: "echo", input: z.object({ n: z.number() }), run: ({ n }) => n });
const calls = { toolCalls: [1, "two"].map((n) => ({ name: "echo", input: { n } })) };

async function runWith(model: Model) {
  const around = surroundingsOf(systemClock, await createKnowledge({ database }), () => model);
  const flow = agentWorkflow(agent({ name: "guide", model, tools: [echo], task: "code" }), around);
  return await runs.start(flow, { goal: "Do it." });
}

it("a run tells which member of a group answered, with tokens, tools and why it ended; and so do all runs together", async () => {
  const broken = scripted([{ error: "provider_authentication" }], { name: "broken" });
  const good = scripted([calls, "Done."], { name: "good" });
  const both = group({ name: "pair", members: [broken, good] });
  const first = await runWith(both);
  await first.result();
  const log = await Array.fromAsync(first.events());
  await restart();
  await expect((await runWith(broken)).result()).rejects.toMatchObject({ code: "provider_authentication" });
  const report = await queryPerformance(runs, "guide");
  expect(report.runs).toHaveLength(2);
  expect(report.runs[1]).toEqual(log.find(({ type }) => type === "agent.performed")?.data);
  expect(report.runs[1]).toMatchObject({
    agent: "guide",
    version: "1.0.0",
    task: "code",
    model: "group/pair",
    outcome: "answered",
    finishReason: "stop",
    steps: 2,
    models: { "scripted/broken": { failed: 1 }, "scripted/good": { calls: 2, failed: 0 } },
    tools: { echo: { calls: 2, failed: 1 } },
  });
  expect(report.runs[0]).toMatchObject({ outcome: "failed", code: "provider_authentication", steps: 0 });
  expect(report.summaries).toMatchObject([
    { model: "group/pair", runs: 1, answered: 1, failed: 0, toolCalls: 2, toolSuccess: 0.5 },
    { model: "scripted/broken", runs: 1, answered: 0, failed: 1, toolSuccess: null },
  ]);
});
