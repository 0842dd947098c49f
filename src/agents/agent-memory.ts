import { baseErrors } from "../base/index.ts";
import type { JsonValue } from "../base/index.ts";
import type { Memory, MemoryScope, Recollection } from "../memory/index.ts";
import { estimateTokens } from "../providers/index.ts";
import type { AgentResult } from "./agent.ts";
import { inTime } from "./in-time.ts";
import type { Loop } from "./loop-state.ts";

type RunOf = Pick<Loop, "agent" | "input" | "surroundings" | "context">;

/** Recalls what an agent knows before it begins, as a step of the run; nothing without a memory. Errors: invalid_input for a thread where there is none. */
export async function recallFor(run: RunOf & Pick<Loop, "signal">): Promise<Recollection> {
  const memory = await memoryOf(run);
  if (memory === undefined) return { history: [], facts: [] };
  const { context, input } = run;
  return await context.step("recall", async () => {
    const { signal } = run;
    const known = await inTime(signal, () => memory.recall(scopeOf(run), input.goal, { signal }));
    const facts = keptFacts(run, known.facts);
    const { thread = null } = input;
    context.emit({ type: "memory.recalled", data: { thread, messages: known.history.length, facts: facts.length } });
    return { history: known.history, facts } as Recollection & JsonValue;
  });
}

/** Keeps what a run came to, as a step of the run. */
export async function rememberFor(run: RunOf, { text }: AgentResult<unknown>): Promise<void> {
  const memory = await memoryOf(run);
  if (memory === undefined) return;
  const { context, input } = run;
  await context.step("remember", async () => {
    // Not within the agent's time: what it came to when that was over is remembered too.
    const { signal } = context;
    const result = { goal: input.goal, answer: text };
    await inTime(signal, () => memory.remember(scopeOf(run), result, { signal }));
    context.emit({ type: "memory.remembered", data: { thread: input.thread ?? null } });
  });
}

async function memoryOf({ agent, input, surroundings }: RunOf): Promise<Memory | undefined> {
  if (agent.memory !== undefined) return agent.memory;
  if (input.thread === undefined) return undefined;
  if (surroundings.memory !== undefined) return await surroundings.memory();
  throw baseErrors.create("invalid_input", "The run names a thread, and there is no memory here; give the agent one.", {
    details: { agent: agent.name },
  });
}

function scopeOf({ agent, input, context }: RunOf): MemoryScope {
  return { agent: agent.name, tenant: input.tenant ?? context.tenant, thread: input.thread, runId: context.runId };
}

/** Pinned facts stay, whatever they take; only a policy that says so drops the oldest, and the log tells. */
function keptFacts({ agent, context }: RunOf, facts: readonly string[]): readonly string[] {
  const { maxTokens = Infinity, keep = "pin" } = agent.window.sections?.facts ?? {};
  if (keep === "pin") return facts;
  const tokens = facts.map(estimateTokens);
  const tokensBefore = tokens.reduce((sum, each) => sum + each, 0);
  let tokensAfter = tokensBefore;
  let first = 0;
  for (; tokensAfter > maxTokens && first < facts.length; first++) tokensAfter -= tokens[first] ?? 0;
  if (first === 0) return facts;
  const data = { step: 1, reason: "facts", dropped: first, summarised: 0, tokensBefore, tokensAfter };
  context.emit({ type: "context.compacted", data: { ...data, fromSeq: null, toSeq: null } });
  return facts.slice(first);
}
