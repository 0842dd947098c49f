import { providerErrors } from "../errors.ts";
import type { StreamPart } from "../model.ts";

/** Takes a part on to the next transform, or to the reader. */
export type EmitPart = (part: StreamPart) => void;

/** Is a transform at work on one stream. It may hold parts back, change them, or make more of them. */
export interface ActiveTransform {
  push(part: StreamPart, emit: EmitPart): void;
  /** Lets go of what is held: the answer is at its end, or breaks off. Called once, before `response.finished` is pushed. */
  end(emit: EmitPart): void;
}

/**
 * Changes the parts of streams before they are delivered. One object serves any number of streams: `start` makes what each needs.
 *
 * Errors: whatever it throws fails the stream with stream_transform_failed.
 */
export interface StreamTransform {
  readonly name: string;
  start(): ActiveTransform;
}

/** Is a row of transforms at work. */
export interface TransformChain {
  push(part: StreamPart): void;
  end(): void;
}

/** Makes the chain of some transforms, in their order. Errors: stream_transform_failed, from `push` and `end`. */
export function startTransforms(transforms: readonly StreamTransform[], emit: EmitPart): TransformChain {
  return transforms.reduceRight<TransformChain>(startStage, { push: emit, end: () => {} });
}

function startStage(next: TransformChain, transform: StreamTransform): TransformChain {
  const { name } = transform;
  const emit: EmitPart = (part) => next.push(part);
  const active = guarded(name, () => transform.start());
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    guarded(name, () => active.end(emit));
  };
  return {
    push(part) {
      if (part.type === "response.finished") end();
      guarded(name, () => active.push(part, emit));
    },
    end() {
      end();
      next.end();
    },
  };
}

function guarded<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    // What is behind this transform has failed, and said so.
    if (providerErrors.is(cause, "stream_transform_failed") || providerErrors.is(cause, "stream_buffer_full"))
      throw cause;
    throw providerErrors.create("stream_transform_failed", `The transform ${name} failed on a part of the answer.`, {
      details: { transform: name },
      cause,
    });
  }
}
