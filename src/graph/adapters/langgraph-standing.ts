import type { StateSnapshot } from "@langchain/langgraph";
import { isJsonObject } from "../../base/index.ts";
import type { CompiledLanggraph } from "./langgraph-compiled.ts";

const maxQuestionLength = 4_000;

/** Is what a person is asked; `id` is that of LangGraph's interrupt, empty where the graph just stands still. */
export type Question = { readonly id: string; readonly text: string };

/** Is a graph that waits for a person. `isStatic` where it was compiled to stand still there. */
interface Waiting {
  readonly isStatic: boolean;
  readonly questions: readonly Question[];
}

/** Tells how a thread stands: at its end, cut off midway, or waiting. `isReached` when LangGraph itself has just left it so. */
export function standingOf(
  graph: Pick<CompiledLanggraph, "interruptBefore" | "interruptAfter">,
  { tasks }: Pick<StateSnapshot, "tasks">,
  isReached: boolean,
): "ended" | "midway" | Waiting {
  // LangGraph's own "next" leaves out tasks that have written something, though their step may not be over.
  if (tasks.length === 0) return "ended";
  const interrupts = tasks.flatMap((task) => task.interrupts);
  if (interrupts.length > 0)
    return { isStatic: false, questions: interrupts.map(({ id = "", value }) => ({ id, text: textOf(value) })) };
  const next = tasks.map(({ name }) => name);
  const { interruptBefore = [], interruptAfter = [] } = graph;
  const mayStand =
    interruptBefore === "*" || interruptAfter.length > 0 || next.some((name) => interruptBefore.includes(name));
  // A thread that was found at a place where it may stand still is asked about, rather than passed without anybody's word.
  if (!isReached && !mayStand) return "midway";
  return { isStatic: true, questions: [{ id: "", text: `Go on with ${next.join(", ")}?` }] };
}

/** Gives what a graph gives: those of its values that are its output. */
export function outputOf(
  { outputChannels }: Pick<CompiledLanggraph, "outputChannels">,
  { values }: StateSnapshot,
): unknown {
  if (typeof outputChannels !== "object" || typeof values !== "object" || values === null) return values;
  const given = new Set(outputChannels.map(String));
  return Object.fromEntries(Object.entries(values as object).filter(([key]) => given.has(key)));
}

/** Makes a question of what was given to `interrupt()`: a text, or the text in `question`; other data as JSON. */
function textOf(value: unknown): string {
  const asked = isJsonObject(value) && typeof value["question"] === "string" ? value["question"] : value;
  const text = typeof asked === "string" ? asked : (JSON.stringify(asked) ?? "");
  return text.length > maxQuestionLength ? `${text.slice(0, maxQuestionLength)}…` : text;
}
