// The agent of the kill campaign: 100 turns of a scripted model, each with one tool call, so 200 steps and an answer.
// Every step that really happens is told to a recorder outside of the process: one appended line, then the step's result.
import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { agent } from "../../src/agents/index.ts";
import { scripted } from "../../src/providers/index.ts";
import { tool } from "../../src/tools/index.ts";

const turns = 100;
const record = (step: string): void => appendFileSync(process.env["KILLS_RECORD"] ?? "", `${step}\n`);

const count = tool({
  name: "count",
  description: "Counts.",
  input: z.object({ n: z.number() }),
  run: async ({ n }, { runId }) => {
    await delay(1);
    record(`${runId} tool ${n}`);
    return { n };
  },
});

const model = scripted((request, index) => {
  const counted = request.messages.filter((message) => message.role === "tool").length;
  if (counted !== index) throw new Error(`The conversation holds ${index} answers but ${counted} tool results.`);
  return index < turns ? { delayMs: 1, toolCalls: [{ name: "count", input: { n: index } }] } : `Counted to ${counted}.`;
});

export const counter = agent({ name: "counter", model, tools: [count], limits: { maxSteps: turns + 10 } });
