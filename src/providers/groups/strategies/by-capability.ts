import type { ModelCapabilities } from "../../model.ts";
import type { CallView, Strategy } from "../strategy.ts";

/** Names something that a member may be preferred for. */
export type CapabilityPreference =
  | "native_structured_output"
  | "parallel_tools"
  | "reasoning"
  | "prefill"
  | "prompt_caching"
  | "free"
  | "large_context"
  | "small_context";

/** Are the options of `byCapability`. Order: what is named first counts more than all that follow. */
export interface CapabilityOptions {
  readonly prefer?: readonly CapabilityPreference[] | undefined;
}

/**
 * Makes the strategy that prefers members for what they can do. Without a preference it goes by the request: native
 * structured output where a schema is asked for, parallel tools where there are tools, prompt caching where there are marks.
 * What a request can not do without is a filter in every strategy, before it; members that are alike stay in their order.
 */
export function byCapability({ prefer }: CapabilityOptions = {}): Strategy {
  return {
    name: "capability",
    rank(candidates, call) {
      const wanted = prefer ?? wantedBy(call);
      return candidates
        .map((candidate) => {
          const has = wanted.filter((each) => holds(each, candidate.capabilities));
          const score = wanted.reduce((sum, each) => sum * 2 + (holds(each, candidate.capabilities) ? 1 : 0), 0);
          return { candidate, score, reason: has.length === 0 ? "nothing preferred" : `has ${has.join(", ")}` };
        })
        .toSorted(
          (a, b) =>
            b.score - a.score ||
            byContext(wanted, a.candidate.capabilities, b.candidate.capabilities) ||
            a.candidate.index - b.candidate.index,
        );
    },
  };
}

function wantedBy({ request }: CallView): readonly CapabilityPreference[] {
  const wanted: CapabilityPreference[] = [];
  if (request.responseFormat !== undefined) wanted.push("native_structured_output");
  if ((request.tools?.length ?? 0) > 0) wanted.push("parallel_tools");
  if (request.messages.some((message) => message.cache !== undefined)) wanted.push("prompt_caching");
  return wanted;
}

function holds(preference: CapabilityPreference, can: ModelCapabilities): boolean {
  switch (preference) {
    case "native_structured_output":
      return can.structuredOutput === "native";
    case "parallel_tools":
      return can.tools === "parallel";
    case "reasoning":
      return can.reasoning;
    case "prefill":
      return can.prefill;
    case "prompt_caching":
      return can.promptCaching !== "none";
    case "free":
      return can.cost === "free";
    case "large_context":
    case "small_context":
      // These are no yes or no: they decide among members that are alike otherwise.
      return false;
  }
}

function byContext(wanted: readonly CapabilityPreference[], a: ModelCapabilities, b: ModelCapabilities): number {
  const difference = (b.contextTokens ?? 0) - (a.contextTokens ?? 0);
  if (wanted.includes("large_context")) return difference;
  return wanted.includes("small_context") ? -difference : 0;
}
