import type { Clock } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { type CallGuard, createCallGuard } from "../transport/call-guard.ts";
import type { FinishReason, Model, ModelCapabilities, ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";
import type { Timeouts } from "../transport/deadlines.ts";
import type { GenerateChoices, GenerationEnd, LocalPrompt } from "./engine.ts";
import { localFault } from "./local-fault.ts";
import { type ModelPlace, openTurn, type Turn } from "./turn.ts";
import { createStopText } from "./stop-text.ts";

/** Is what a local model is made of. */
export interface LocalModelSetup {
  readonly provider: string;
  readonly name: string;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  /** Finds where the model runs. Errors: LocalFailure. */
  place(): Promise<ModelPlace>;
  capabilities(): ModelCapabilities;
}

/** Makes a model that runs in this process. Errors: those of the providers table that docs/providers/local.md lists. */
export function localModel(setup: LocalModelSetup): Model {
  return {
    provider: setup.provider,
    name: setup.name,
    get capabilities() {
      return setup.capabilities();
    },
    stream: (request, options) => streamLocal(setup, request, options),
  };
}

/** Counts the tokens of a call; exact, as they are the model's own. */
interface Count {
  input: number;
  output: number;
  cached: number;
}

async function* streamLocal(
  setup: LocalModelSetup,
  request: ModelRequest,
  { signal }: StreamOptions = {},
): AsyncGenerator<StreamPart, void, undefined> {
  const { provider, name, timeouts, clock } = setup;
  const count: Count = { input: 0, output: 0, cached: 0 };
  const context = { provider, model: name, secrets: [] };
  const partial = (): Usage => usageOf(count, "partial");
  using guard = createCallGuard({ context, timeouts, clock, signal, partial, fault: localFault });
  guard.check();
  refuseForcedTools(guard, request);
  using turn = await openTurn(guard, setup.place());
  yield* delivered(guard, { type: "response.started", model: name });
  const prompt = await guard.wait(
    "headers",
    Promise.try(() => turn.model.prompt(request.messages)),
  );
  count.input = prompt.tokens;
  const finishReason = yield* answer({ guard, turn, prompt, count }, request, choicesOf(provider, request));
  yield {
    type: "response.finished",
    finishReason,
    usage: usageOf(count, "reported"),
    metadata: (request.tools?.length ?? 0) > 0 ? { toolsIgnored: true } : {},
  };
}

interface Answering {
  readonly guard: CallGuard;
  readonly turn: Turn;
  readonly prompt: LocalPrompt;
  readonly count: Count;
}

async function* answer(
  { guard, turn, prompt, count }: Answering,
  request: ModelRequest,
  choices: GenerateChoices,
): AsyncGenerator<StreamPart, FinishReason, undefined> {
  const steps = turn.generate(prompt, choices);
  const stopText = createStopText([...prompt.stops, ...(request.stopSequences ?? [])]);
  const limit = request.maxOutputTokens ?? Infinity;
  // The first word of an answer has a space before it in many vocabularies, which is none of the answer's.
  let begun = prompt.continues;
  let end: FinishReason | undefined;
  while (end === undefined) {
    const read = await guard.wait(count.output === 0 ? "headers" : "stream", steps.next());
    guard.watch.progress();
    let text = "";
    if (read.done === true) {
      end = endOf(guard, read.value);
      text = stopText.flush();
    } else if (read.value.type === "prompt") {
      count.cached = read.value.cachedTokens;
    } else {
      if (read.value.type === "token") count.output++;
      text = stopText.push(read.value.text);
      if (stopText.stopped) end = "stop";
      else if (count.output >= limit) {
        end = "length";
        text += stopText.flush();
      }
    }
    if (!begun) text = text.trimStart();
    if (text === "") continue;
    begun = true;
    yield* delivered(guard, { type: "text.delta", text });
  }
  return end;
}

/** Hands a part over; the time that its reader takes does not count. */
async function* delivered(guard: CallGuard, part: StreamPart): AsyncGenerator<StreamPart, void, undefined> {
  guard.watch.pause();
  yield part;
  guard.watch.resume();
  guard.check();
}

function endOf(guard: CallGuard, end: GenerationEnd | undefined): FinishReason {
  if (end !== undefined) return end;
  throw guard.error({ code: "stream_interrupted", message: "was closed in the middle of its answer" });
}

function usageOf(count: Count, provenance: Usage["provenance"]): Usage {
  const cached = count.cached > 0 ? { cachedInputTokens: count.cached } : {};
  return { inputTokens: count.input, outputTokens: count.output, ...cached, provenance };
}

function refuseForcedTools(guard: CallGuard, { toolChoice }: ModelRequest): void {
  if (toolChoice !== "required" && typeof toolChoice !== "object") return;
  throw guard.error({
    code: "provider_invalid_request",
    message: "cannot be made to call a tool; leave toolChoice out, or use a responseFormat",
    param: "toolChoice",
  });
}

function choicesOf(provider: string, request: ModelRequest): GenerateChoices {
  const own = request.providerOptions?.[provider];
  const read = (key: string): number | undefined => {
    const value = isJsonObject(own) ? own[key] : undefined;
    return typeof value === "number" ? value : undefined;
  };
  return {
    temperature: request.temperature ?? 0,
    seed: request.seed,
    topK: read("topK"),
    topP: read("topP"),
    minP: read("minP"),
    schema: request.responseFormat?.schema,
  };
}
