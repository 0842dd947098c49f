/**
 * Is where a stream stands, as its reader sees it. `idle`: nothing was asked for yet; `streaming`; `paused`: nothing is delivered
 * and nothing new is read; `cancelled`; `failed`; `done`: the whole answer was delivered.
 */
export type StreamState = "idle" | "streaming" | "paused" | "cancelled" | "failed" | "done";

/**
 * Is what can happen to a stream. `start`: its reader (or `result()`) asks for the first time; `pause`, `resume` and `cancel`:
 * by command; `finish` and `fail`: the end of the answer, or its failure, reaches the reader.
 */
export type StreamEvent = "start" | "pause" | "resume" | "cancel" | "finish" | "fail";

type Row = Readonly<Record<StreamEvent, StreamState>>;

/** Makes the row of a state that nothing leaves. */
const terminal = (state: StreamState): Row => ({
  start: state,
  pause: state,
  resume: state,
  cancel: state,
  finish: state,
  fail: state,
});

/**
 * Is the whole life of a stream: what each event turns each state into. An event that leaves the state as it is does nothing at
 * all: it is no error, and the command says `false`.
 *
 * An answer that ends, or fails, while the stream is paused stays behind the parts that are not delivered yet: the reader
 * gets to it after `resume`. A stream that is resumed before its reader came begins the call.
 */
export const transitions: Readonly<Record<StreamState, Row>> = {
  idle: {
    start: "streaming",
    pause: "paused",
    resume: "idle",
    cancel: "cancelled",
    finish: "idle",
    fail: "idle",
  },
  streaming: {
    start: "streaming",
    pause: "paused",
    resume: "streaming",
    cancel: "cancelled",
    finish: "done",
    fail: "failed",
  },
  paused: {
    start: "paused",
    pause: "paused",
    resume: "streaming",
    cancel: "cancelled",
    finish: "paused",
    fail: "paused",
  },
  cancelled: terminal("cancelled"),
  failed: terminal("failed"),
  done: terminal("done"),
};

/** Tells whether a stream in this state is over. */
export function isOver(state: StreamState): boolean {
  return state === "cancelled" || state === "failed" || state === "done";
}
