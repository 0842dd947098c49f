import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { Clock } from "../../base/index.ts";
import { systemClock } from "../../base/index.ts";
import { providerErrors } from "../errors.ts";
import type { Model, ModelRequest, StreamPart } from "../model.ts";
import { createWatch } from "../transport/watch.ts";
import { aiSdkEncoder, contentOf, endOf, responseOf } from "./ai-sdk-encoder.ts";
import { readAiSdkCall } from "./ai-sdk-prompt.ts";

/** Are the options of `toAiSdk`. Units: milliseconds. */
export interface ToAiSdkOptions {
  /** How long a reader may leave a stream alone before what is upstream is cancelled: 5 minutes by default. */
  readonly walkAwayMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Shows a model or a group of Atlas as a language model of the AI SDK (interface V4), for `streamText`, `generateText` and all
 * that stands on them. How an answer came about is in its `providerMetadata.atlas`: the metadata and, of a group, the report.
 *
 * Errors: the AtlasErrors of the model as they are; the AI SDK does not retry them, since the group has done so.
 * @example examples/ai-sdk.ts
 */
export function toAiSdk(model: Model, options: ToAiSdkOptions = {}): LanguageModelV4 {
  const { walkAwayMs = 300_000, clock = systemClock } = options;
  return {
    specificationVersion: "v4",
    provider: model.provider,
    modelId: model.name,
    supportedUrls: Object.fromEntries(model.capabilities.files.map((type) => [type, [/^https?:\/\//]])),
    async doGenerate(call) {
      const { request, warnings } = readAiSdkCall(call, model.provider);
      let encoder = aiSdkEncoder(model);
      let parts: LanguageModelV4StreamPart[] = [];
      let response = {};
      for await (const part of partsOf(model, request, call)) {
        if (part.type === "response.restarted") [encoder, parts] = [aiSdkEncoder(model), []];
        else parts.push(...encoder.push(part));
        if (part.type === "response.started") response = responseOf(part);
        if (part.type === "response.finished") return { content: contentOf(parts), ...endOf(part), response, warnings };
      }
      throw unfinished(model);
    },
    async doStream(call) {
      const { request, warnings } = readAiSdkCall(call, model.provider);
      const start = (signal: AbortSignal): AsyncIterable<StreamPart> => partsOf(model, request, { ...call, signal });
      const reading = { model, signal: call.abortSignal, walkAwayMs, clock, start };
      return { stream: await openStream(reading, { type: "stream-start", warnings }) };
    },
  };
}

/** Reads an answer. Who has aborted the call gets its own reason back: that is how the AI SDK knows an abort from a failure. */
async function* partsOf(
  model: Model,
  request: ModelRequest,
  { abortSignal, signal = abortSignal }: { readonly abortSignal?: AbortSignal; readonly signal?: AbortSignal },
): AsyncGenerator<StreamPart, void, undefined> {
  try {
    yield* model.stream(request, { signal });
  } catch (cause) {
    throw abortSignal?.aborted === true ? abortSignal.reason : cause;
  }
}

function unfinished({ provider, name }: Model): Error {
  return providerErrors.create("stream_interrupted", `${provider}/${name} ended its answer without finishing it.`, {
    details: { provider, model: name, phase: "stream" },
  });
}

type Stream = ReadableStream<LanguageModelV4StreamPart>;

interface Reading {
  readonly model: Model;
  readonly signal: AbortSignal | undefined;
  readonly walkAwayMs: number;
  readonly clock: Clock;
  start(signal: AbortSignal): AsyncIterable<StreamPart>;
}

/** Opens an answer: waits for its first part, so that a call that fails at once fails here. Errors: those of the model. */
async function openStream(reading: Reading, first: LanguageModelV4StreamPart): Promise<Stream> {
  const { model, signal, walkAwayMs, clock } = reading;
  const limits = { connectMs: walkAwayMs, firstPartMs: walkAwayMs, idleMs: walkAwayMs, totalMs: Infinity };
  const watch = createWatch(limits, clock, signal);
  // Here it is the reader whose silence counts, so the clock stands still while the model works.
  watch.pause();
  const source = createSource(model, reading.start(watch.signal), first);
  let ended = false;
  const end = (): void => {
    ended = true;
    watch[Symbol.dispose]();
    source.close();
  };
  try {
    await source.fill();
  } catch (cause) {
    end();
    throw cause;
  }
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      start(controller) {
        const leave = (): void => {
          if (watch.expired === undefined) return;
          end();
          controller.error(walkedAway(model, walkAwayMs));
        };
        watch.signal.addEventListener("abort", leave, { once: true });
        watch.resume();
      },
      async pull(controller) {
        watch.pause();
        const told = await source.next();
        if (ended) return;
        if (told.last) end();
        else {
          watch.progress();
          watch.resume();
        }
        // Last of all: from here on the reader may do what it likes.
        if (told.part !== undefined) controller.enqueue(told.part);
        if (told.last) controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

interface Source {
  /** Reads on until there is something to hand over. Errors: those of the model. */
  fill(): Promise<void>;
  /** Gives the next part; a failure is the last one. */
  next(): Promise<{ readonly part: LanguageModelV4StreamPart | undefined; readonly last: boolean }>;
  close(): void;
}

function createSource(model: Model, parts: AsyncIterable<StreamPart>, first: LanguageModelV4StreamPart): Source {
  const encoder = aiSdkEncoder(model);
  const iterator = parts[Symbol.asyncIterator]();
  const queue: LanguageModelV4StreamPart[] = [];
  let over = false;
  let begun = false;
  const fill = async (): Promise<void> => {
    while (queue.length === 0 && !over) {
      const read = await iterator.next();
      if (read.done === true) throw unfinished(model);
      if (!begun) queue.push(first);
      begun = true;
      queue.push(...encoder.push(read.value));
      over = read.value.type === "response.finished";
    }
  };
  return {
    fill,
    async next() {
      try {
        await fill();
        return { part: queue.shift(), last: over && queue.length === 0 };
      } catch (error) {
        return { part: { type: "error", error }, last: true };
      }
    },
    close() {
      over = true;
      iterator.return?.().catch(() => {});
    },
  };
}

function walkedAway({ provider, name }: Model, walkAwayMs: number): Error {
  const message = `The answer of ${provider}/${name} was not read for ${walkAwayMs} ms (walkAwayMs) and was cancelled.`;
  return providerErrors.create("stream_interrupted", message, {
    details: { provider, model: name, phase: "stream", causeCode: "walkAwayMs" },
  });
}
