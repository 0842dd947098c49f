import { createHash } from "node:crypto";
import type { RunBudget } from "../agents/index.ts";
import type { Call } from "./command.ts";

/**
 * Finds out what is wanted: the words of the command line, the standard input for `-`, or a question to the person at the terminal.
 *
 * Errors: goal_empty; cancelled at a signal to end.
 */
export async function readGoal({ args, io, screen, interrupt: { signal } }: Call): Promise<string> {
  const { appErrors } = await import("../app/index.ts");
  const typed = args.length === 1 && args[0] === "-" ? await io.readInput(signal) : args.join(" ");
  if (typed.trim() !== "") return typed.trim();
  if (args.length > 0 || !screen.interactive) {
    throw appErrors.create("goal_empty", "There is no goal, or only white space.");
  }
  const { isCancel, text } = await import("@clack/prompts");
  const answer = await text({
    message: "What do you want to know or do?",
    output: process.stderr,
    signal,
    validate: (value) => (value?.trim() ? undefined : "Say it in a sentence."),
  });
  signal.throwIfAborted();
  if (isCancel(answer)) throw appErrors.create("goal_empty", "No goal was given.");
  return answer.trim();
}

/** Makes the key by which the same command finds its interrupted run again. */
export function runKey(parts: {
  readonly agent: string;
  readonly goal: string;
  readonly knowledge: readonly string[];
  readonly model: string | undefined;
  /** Belongs to the key: a run that was given more to spend must not go on for a command that allows less. */
  readonly budget: RunBudget | undefined;
  /** Belongs to it too: no tenant takes up what another began. */
  readonly tenant: string | undefined;
  readonly thread: string | undefined;
}): string {
  const { agent, goal, knowledge, model = "", budget, tenant, thread } = parts;
  const spending = budget === undefined ? [] : [[budget.maxTokens ?? null, budget.maxCostUsd ?? null]];
  const owner = tenant === undefined && thread === undefined ? [] : [{ tenant, thread }];
  const hash = createHash("sha256").update(
    JSON.stringify([agent, goal, [...knowledge].toSorted(), model, ...spending, ...owner]),
  );
  return `cli:${hash.digest("hex").slice(0, 32)}`;
}
