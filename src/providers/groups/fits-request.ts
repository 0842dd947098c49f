import type { Rejection } from "../call-report.ts";
import type { ModelCapabilities, ModelRequest } from "../model.ts";

/** Is what a request asks of a model, read from it once for all members. */
export interface RequestNeeds {
  readonly tools: boolean;
  readonly mediaTypes: readonly string[];
  /** The last message is the assistant's: the model must go on from it. */
  readonly prefill: boolean;
  /** Units: tokens, estimated. */
  readonly inputTokens: number;
}

/** Reads what a request asks of a model. */
export function needsOf(request: ModelRequest, inputTokens: number): RequestNeeds {
  const mediaTypes = new Set<string>();
  for (const message of request.messages) {
    if (message.role !== "user") continue;
    for (const part of message.content) if (part.type === "file") mediaTypes.add(part.mediaType);
  }
  return {
    tools: (request.tools?.length ?? 0) > 0 && request.toolChoice !== "none",
    mediaTypes: [...mediaTypes],
    prefill: request.messages.at(-1)?.role === "assistant",
    inputTokens,
  };
}

/** Tells why a model can not take a request at all; undefined when it can. */
export function misfit(
  needs: RequestNeeds,
  capabilities: ModelCapabilities,
): Pick<Rejection, "reason" | "detail"> | undefined {
  if (needs.tools && capabilities.tools === "none") return { reason: "capability", detail: "takes no tools" };
  const foreign = needs.mediaTypes.find((type) => !takesFile(capabilities.files, type));
  if (foreign !== undefined) return { reason: "capability", detail: `takes no files of type ${foreign}` };
  if (needs.prefill && !capabilities.prefill) {
    return { reason: "capability", detail: "can not go on from a message of the assistant" };
  }
  const { contextTokens } = capabilities;
  if (contextTokens !== null && needs.inputTokens > contextTokens) {
    return {
      reason: "context_length",
      detail: `reads ${contextTokens} tokens; the request has about ${needs.inputTokens}`,
    };
  }
  return undefined;
}

function takesFile(known: readonly string[], type: string): boolean {
  return known.some((each) => each === type || (each.endsWith("/*") && type.startsWith(each.slice(0, -1))));
}
