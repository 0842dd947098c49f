import type { Clock, JsonObject, JsonValue } from "../base/index.ts";
import { systemClock } from "../base/index.ts";
import { localCapabilities } from "./capabilities.ts";
import { type ProviderErrorCode, providerErrors } from "./errors.ts";
import { cancelledError } from "./transport/fault.ts";
import { createMeter } from "./transport/meter.ts";
import type { FinishReason, Model, ModelCapabilities, ModelRequest, StreamPart } from "./model.ts";
import type { Usage } from "./usage.ts";

/**
 * Is one answer of a scripted model, as data; a text alone is a turn that says it. What is named comes in this order: the
 * delay, reasoning, text, tool calls, then the error or the end. Units: milliseconds, before the first part and between chunks.
 */
export interface ScriptedTurn {
  readonly delayMs?: number;
  readonly chunkDelayMs?: number;
  readonly reasoning?: string;
  readonly text?: string;
  readonly toolCalls?: readonly { readonly id?: string; readonly name: string; readonly input: JsonValue }[];
  /** Breaks the answer off: a code of the providers table, or an error to throw as it is. */
  readonly error?: ProviderErrorCode | Error;
  readonly usage?: Partial<Usage>;
  readonly finishReason?: FinishReason;
  readonly metadata?: JsonObject;
}

/** Chooses a turn. `index` is the number of assistant messages in the request, so a restarted conversation goes on where it was. */
export type ScriptedChoice = (request: ModelRequest, index: number) => ScriptedTurn | string | undefined;

/** Is a script: turns in order, each data or a choice; or one choice for all of them. */
export type Script = readonly (ScriptedTurn | string | ScriptedChoice)[] | ScriptedChoice;

/** Are the options of `scripted`. Units: `chunkSize` UTF-16 code units of text per part (default 16). */
export interface ScriptedOptions {
  readonly provider?: string;
  readonly name?: string;
  readonly chunkSize?: number;
  readonly clock?: Clock;
  readonly capabilities?: Partial<ModelCapabilities>;
}

/**
 * Makes a model that says what its script says: for tests, demonstrations and dry runs. Deterministic, and it keeps no
 * state: which turn comes is read from the request alone.
 *
 * Errors: script_exhausted when there is no turn left; those that the script names; `cancelled`.
 */
export function scripted(script: Script, options: ScriptedOptions = {}): Model {
  const { provider = "scripted", name = "script", chunkSize = 16, clock = systemClock } = options;
  return {
    provider,
    name,
    capabilities: { ...localCapabilities, pauseEffect: "generation", ...options.capabilities },
    async *stream(request, { signal } = {}) {
      const index = request.messages.filter((message) => message.role === "assistant").length;
      const meter = createMeter(JSON.stringify(request.messages).length);
      const context = { provider, model: name, secrets: [] };
      const wait = async (ms: number): Promise<void> => {
        try {
          signal?.throwIfAborted();
          if (ms > 0) await clock.sleep(ms, { signal });
        } catch (cause) {
          if (signal?.aborted !== true) throw cause;
          throw cancelledError(context, signal.reason, { phase: "stream", partialUsage: meter.partial(undefined) });
        }
      };
      await wait(0);
      const turn = turnOf(script, request, { index, model: `${provider}/${name}` });
      await wait(turn.delayMs ?? 0);
      yield { type: "response.started", model: name, responseId: `${name}_${index}` };
      let first = true;
      for (const part of partsOf(turn, index, chunkSize)) {
        if (!first) await wait(turn.chunkDelayMs ?? 0);
        first = false;
        yield meter.count(part, undefined);
      }
      await wait(0);
      if (turn.error !== undefined) throw errorOf(turn.error, context, meter.partial(undefined));
      const usage: Usage = { ...meter.partial(undefined), provenance: "reported", ...turn.usage };
      yield { type: "usage.updated", usage };
      yield {
        type: "response.finished",
        finishReason: turn.finishReason ?? ((turn.toolCalls?.length ?? 0) > 0 ? "tool_calls" : "stop"),
        usage,
        metadata: { scripted: true, ...turn.metadata },
      };
    },
  };
}

function turnOf(
  script: Script,
  request: ModelRequest,
  { index, model }: { readonly index: number; readonly model: string },
): ScriptedTurn {
  const entry = typeof script === "function" ? script : script[index];
  const turn = typeof entry === "function" ? entry(request, index) : entry;
  if (typeof turn === "string") return { text: turn };
  if (turn !== undefined) return turn;
  const length = typeof script === "function" ? "" : ` The script has ${script.length}.`;
  throw providerErrors.create(
    "script_exhausted",
    `${model} was asked for turn ${index + 1}, which its script does not have.${length}`,
    {
      details: { model, turn: index + 1 },
    },
  );
}

function* partsOf(turn: ScriptedTurn, index: number, chunkSize: number): Generator<StreamPart> {
  for (const text of chunksOf(turn.reasoning ?? "", chunkSize)) yield { type: "reasoning.delta", text };
  for (const text of chunksOf(turn.text ?? "", chunkSize)) yield { type: "text.delta", text };
  let number = 0;
  for (const call of turn.toolCalls ?? []) {
    const id = call.id ?? `call_${index}_${number++}`;
    yield { type: "tool.started", id, name: call.name };
    for (const text of chunksOf(JSON.stringify(call.input), chunkSize)) yield { type: "tool.delta", id, text };
    yield { type: "tool.completed", id, name: call.name, input: call.input };
  }
}

function chunksOf(text: string, size: number): readonly string[] {
  const chunks: string[] = [];
  let chunk = "";
  // Walks by character, so that no chunk ends in half of one.
  for (const character of text) {
    chunk += character;
    if (chunk.length < size) continue;
    chunks.push(chunk);
    chunk = "";
  }
  return chunk === "" ? chunks : [...chunks, chunk];
}

function errorOf(
  error: ProviderErrorCode | Error,
  context: { provider: string; model: string },
  partialUsage: Usage,
): Error {
  if (typeof error !== "string") return error;
  const { provider, model } = context;
  return providerErrors.create(error, `${provider}/${model} failed as its script says.`, {
    details: { provider, model, phase: "stream", partialUsage },
  });
}
