import { baseErrors, type Clock, systemClock } from "../../base/index.ts";
import type { Generation } from "../generate.ts";
import type { Model, ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import type { StreamMetrics } from "./metrics.ts";
import type { BufferOptions } from "./part-buffer.ts";
import type { StreamState } from "./state.ts";
import { LiveStream } from "./live-stream.ts";
import type { StreamTransform } from "./transform.ts";

/** Are the options of `openStream`; those of the call go on to the model. Units: milliseconds. */
export interface OpenStreamOptions extends StreamOptions {
  readonly buffer?: BufferOptions | undefined;
  /** Change the answer before it is delivered. Order: each gets what the one before it lets through. */
  readonly transforms?: readonly StreamTransform[] | undefined;
  /** Bounds each pause (default 10 minutes); Infinity does not. */
  readonly maxPauseMs?: number | undefined;
  /** Says what then happens (default `cancel`). */
  readonly onPauseTooLong?: "cancel" | "resume" | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Is what a reader holds of a live answer. Its life is the table `transitions`. Iterating it delivers the parts, once; leaving the
 * loop cancels. Dispose of it, or read it to its end.
 *
 * Errors: those of the model; `cancelled` after `cancel`, an abort of the signal, or a pause that was too long (its cause is then
 * stream_pause_too_long); stream_transform_failed; stream_buffer_full; stream_has_reader. What came before a failure is delivered first.
 */
export interface StreamControl extends AsyncIterable<StreamPart>, AsyncDisposable {
  readonly state: StreamState;
  /** What pausing stops: the delivery only, while the provider may go on generating and billing, or the generation itself. */
  readonly pauseEffect: "delivery" | "generation";
  /** Cost: a snapshot is made each time. */
  readonly metrics: StreamMetrics;
  /** What was read and is not delivered yet; without what transforms hold back. */
  readonly buffered: readonly StreamPart[];
  /** Stops delivery and reading; at most the read under way still comes in. False when the state does not allow it. */
  pause(): boolean;
  resume(): boolean;
  /** Ends the stream in any phase, drops what is not delivered and closes the call. `reason` is the cause of the reader's error. */
  cancel(reason?: unknown): boolean;
  /** Gives the whole answer at the end; reads it itself when nobody else does. */
  result(): Promise<Generation>;
  /** Calls the listener after each change; what it gives back takes it away. What it throws is thrown outside of the stream. */
  onState(listener: (state: StreamState) => void): () => void;
  /** Tells the state now and as it changes, to its end; a slow reader gets the latest only. */
  states(): AsyncIterable<StreamState>;
}

/**
 * Opens a stream over a model. The call is made when the first part, or the result, is asked for.
 *
 * Errors: invalid_input for bounds that are no numbers, or contradict each other. Cost: one promise and one look at the clock
 * for each part; a timer only while paused.
 * @example examples/stream-control.ts
 */
export function openStream(model: Model, request: ModelRequest, options: OpenStreamOptions = {}): StreamControl {
  const { buffer = {}, transforms = [], maxPauseMs = 600_000, onPauseTooLong = "cancel", ...call } = options;
  const { maxParts = 64, maxChars = 65_536, whenFull = "wait" } = buffer;
  if (!Number.isInteger(maxParts) || maxParts < 0) throw wrong("buffer.maxParts", "a whole number from 0");
  if (!Number.isInteger(maxChars) || maxChars < 1) throw wrong("buffer.maxChars", "a whole number from 1");
  if (maxParts === 0 && whenFull !== "wait") throw wrong("buffer.whenFull", `"wait" where maxParts is 0`);
  if (!(maxPauseMs > 0)) throw wrong("maxPauseMs", "greater than 0");
  const { clock = systemClock, ...streamOptions } = call;
  const bounds = { maxParts, maxChars, whenFull };
  return new LiveStream(model, request, { streamOptions, bounds, transforms, maxPauseMs, onPauseTooLong, clock });
}

function wrong(option: string, expected: string): Error {
  return baseErrors.create("invalid_input", `${option} of a stream must be ${expected}.`, { details: { option } });
}
