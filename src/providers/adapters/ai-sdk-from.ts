import type { Clock } from "../../base/index.ts";
import { isAtlasError, systemClock } from "../../base/index.ts";
import { type CallGuard, createCallGuard } from "../transport/call-guard.ts";
import { capabilitiesOf, hostedCapabilities } from "../capabilities.ts";
import { cutOff } from "../transport/decoder.ts";
import type { Fault } from "../transport/fault.ts";
import { createMeter } from "../transport/meter.ts";
import type { Model, ModelCapabilities, ModelRequest, StreamPart } from "../model.ts";
import { defaultTimeouts, type Timeouts } from "../transport/deadlines.ts";
import { aiSdkDecoder } from "./ai-sdk-decoder.ts";
import { aiSdkFault } from "./ai-sdk-fault.ts";
import { type AiSdkModel, type AiSdkPart, startAiSdk } from "./ai-sdk-request.ts";

/** Are the options of `fromAiSdk`. `provider` and `name` are those of the model by default. */
export interface FromAiSdkOptions {
  readonly provider?: string | undefined;
  readonly name?: string | undefined;
  readonly capabilities?: Partial<ModelCapabilities> | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Makes an Atlas model from a language model of the AI SDK, told by its shape: interface V2, V3 or V4 of any provider.
 *
 * Errors: those of the providers table, `cancelled`; a stream that ends without its end is `stream_interrupted`. None shows
 * a body of the provider.
 * @example examples/ai-sdk.ts
 */
export function fromAiSdk(model: AiSdkModel, options: FromAiSdkOptions = {}): Model {
  const provider = options.provider ?? model.provider.split(".")[0] ?? model.provider;
  const { name = model.modelId, clock = systemClock } = options;
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  return {
    provider,
    name,
    capabilities: { ...capabilitiesOf(name, hostedCapabilities), ...options.capabilities },
    stream: (request, { signal } = {}) => streamAiSdk({ model, provider, name, timeouts, clock, signal }, request),
  };
}

interface AiSdkCall {
  readonly model: AiSdkModel;
  readonly provider: string;
  readonly name: string;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

async function* streamAiSdk(call: AiSdkCall, request: ModelRequest): AsyncGenerator<StreamPart, void, undefined> {
  const { model, provider, name, timeouts, clock, signal } = call;
  const meter = createMeter(JSON.stringify([request.messages, request.tools]).length);
  const decoder = aiSdkDecoder(name);
  using guard = createCallGuard({
    context: { provider, model: name, secrets: [] },
    timeouts,
    clock,
    signal,
    partial: () => meter.partial(decoder.usage),
    fault: (cause, phase) => aiSdkFault(cause, phase, clock.now()),
  });
  guard.check();
  using upstream = closing(guard);
  const starting = startAiSdk(model, request, { owner: provider, signal: upstream.signal });
  const reader = (await guard.wait("headers", starting)).getReader();
  upstream.onClose(() => void reader.cancel().catch(() => {}));
  const parts: StreamPart[] = [];
  while (!decoder.ended) {
    const read = await guard.wait("stream", reader.read());
    const fault = read.done ? decoder.finish((part) => parts.push(part)) : push(read.value);
    if (parts.length > 0) guard.watch.progress();
    for (const part of parts) {
      guard.watch.pause();
      yield meter.count(part, decoder.usage);
      guard.watch.resume();
      guard.check();
    }
    parts.length = 0;
    if (fault !== undefined) throw isAtlasError(fault) ? fault : guard.error(fault);
    if (read.done && !decoder.ended) throw guard.error(cutOff);
  }

  function push(part: AiSdkPart): ReturnType<typeof decoder.push> {
    try {
      return decoder.push(part, (told) => parts.push(told), clock.now());
    } catch {
      return unreadable;
    }
  }
}

const unreadable: Fault = {
  code: "provider_malformed_response",
  message: "sent a part that the interface of the AI SDK does not know",
};

/** Closes what is upstream when the call is over, however it ends. */
interface Upstream extends Disposable {
  readonly signal: AbortSignal;
  onClose(close: () => void): void;
}

function closing(guard: CallGuard): Upstream {
  const over = new AbortController();
  let close = (): void => {};
  return {
    signal: AbortSignal.any([guard.signal, over.signal]),
    onClose(next) {
      close = next;
    },
    [Symbol.dispose]() {
      close();
      over.abort();
    },
  };
}
