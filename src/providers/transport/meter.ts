import type { StreamPart } from "../model.ts";
import { quartersOf } from "../money/tokens.ts";
import type { Usage } from "../usage.ts";

/** Counts what passes, to know the tokens of an answer that breaks off or whose provider says nothing about them. */
export interface Meter {
  /** Counts a part; a last part without a report gets the estimate. */
  count(part: StreamPart, reported: Reported | undefined): StreamPart;
  /** Counts a piece of text of the answer. */
  add(text: string): void;
  /** Gives the last part its usage, where the provider did not say it. */
  complete(part: Finished, reported: Reported | undefined): Finished;
  /** Gives the tokens so far: the provider's last word, or the estimate where that is higher or there is none. */
  partial(reported: Reported | undefined): Usage;
}

type Reported = Omit<Usage, "provenance">;
type Finished = Extract<StreamPart, { type: "response.finished" }>;

/** Is about the length of a token of a request, most of which is JSON in Latin letters. */
const charsPerToken = 4;

/** Makes a meter. Units: `requestChars` UTF-16 code units of the request as it was sent. */
export function createMeter(requestChars: number): Meter {
  let quarters = 0;
  let deltas = 0;
  const estimate = (): Usage => ({
    inputTokens: Math.ceil(requestChars / charsPerToken),
    outputTokens: Math.max(deltas, Math.ceil(quarters / 4)),
    provenance: "estimated",
  });
  const meter: Meter = {
    count(part, reported) {
      if (part.type === "text.delta" || part.type === "reasoning.delta" || part.type === "tool.delta") {
        meter.add(part.text);
      }
      return part.type === "response.finished" ? meter.complete(part, reported) : part;
    },
    add(text) {
      quarters += quartersOf(text);
      deltas++;
    },
    complete(part, reported) {
      // The provider's last word came before the end of the answer: what followed it is estimated.
      if (part.usage.provenance === "partial") return { ...part, usage: meter.partial(reported) };
      if (part.usage.provenance !== "estimated") return part;
      // A report of one of the two counts stands; the estimate fills in for the other.
      const guess = estimate();
      return {
        ...part,
        usage: {
          ...guess,
          ...reported,
          inputTokens: reported?.inputTokens || guess.inputTokens,
          outputTokens: reported?.outputTokens || guess.outputTokens,
        },
      };
    },
    partial(reported) {
      const guess = estimate();
      if (reported === undefined) return guess;
      return { ...reported, outputTokens: Math.max(reported.outputTokens, guess.outputTokens), provenance: "partial" };
    },
  };
  return meter;
}
