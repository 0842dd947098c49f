import type { AgentResult } from "../agents/index.ts";
import { cost, count, duration, place } from "./format.ts";
import { oneLine } from "./harmless.ts";
import { line, styled } from "./line.ts";
import type { Screen } from "./screen.ts";

/** Is a finished answer with what a user wants to know about how it came about. */
export interface Answer {
  readonly runId: string;
  readonly result: AgentResult<unknown>;
  readonly durationMs: number;
  readonly directory: string;
  /** The text that is on the terminal already. */
  readonly streamed: string;
}

/** Gives the answer in the shape that scripts rely on. */
export function answerJson({ runId, result, durationMs }: Answer): object {
  const { output, citations, usage, costMicroUsd, model, steps, finishReason, metadata } = result;
  return {
    runId,
    status: "completed",
    output,
    citations,
    usage,
    costMicroUsd,
    model,
    durationMs,
    steps,
    finishReason,
    metadata,
    ...unverifiedOf(result),
  };
}

/** Gives how many marks of an answer no passage supports; nothing for the result of an older version, which did not count. */
function unverifiedOf(result: AgentResult<unknown>): { readonly unverified?: number } {
  return "unverified" in result && typeof result.unverified === "number" ? { unverified: result.unverified } : {};
}

/** Shows an answer: the text on stdout, where it comes from and what it took on stderr. */
export function showAnswer(answer: Answer, screen: Screen): void {
  if (screen.json) return screen.printJson(answerJson(answer));
  const { result, streamed } = answer;
  const text = typeof result.output === "string" ? result.output : JSON.stringify(result.output, undefined, 2);
  // A terminal has seen the answer already, as the end of what was streamed.
  const seen = text.trim() !== "" && streamed.trimEnd().endsWith(text.trim());
  if (!seen) screen.stream(`${streamed === "" ? "" : "\n\n"}${text.trimEnd()}`);
  if (!streamed.endsWith("\n") || !seen) screen.stream("\n");
  if (result.citations.length > 0) {
    screen.say(line`\n${styled("bold", "Sources")}`);
    for (const { source, startLine, quote } of result.citations) {
      const where = styled("cyan", `${place(source, answer.directory)}:${startLine}`);
      screen.say(line`  ${where}  ${styled("dim", oneLine(screen.redact(quote), 100))}`);
    }
  }
  const { unverified = 0 } = unverifiedOf(result);
  if (unverified > 0)
    screen.say([styled("yellow", `${count(unverified, "mark")} in the answer could not be verified.`)], "always");
  if (result.finishReason !== "stop") {
    const how = result.finishReason.replaceAll("_", " ");
    screen.say([styled("yellow", `The answer may be incomplete: it ended with ${how}.`)], "always");
  }
  const { inputTokens, outputTokens } = result.usage;
  const parts = [
    oneLine(result.model),
    `${inputTokens} + ${outputTokens} tokens`,
    cost(result.costMicroUsd),
    duration(answer.durationMs),
    answer.runId,
  ];
  screen.say([styled("dim", `\n${parts.join(" · ")}`)]);
}
