import type { CliIo, EndSignal } from "./io.ts";

const exitCodes: Readonly<Record<EndSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 0 };

/** Tells a command that the user wants it to end. */
export interface Interrupt extends Disposable {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** The exit code of the signal that came; undefined before one, and when the command did all that the signal asks for. */
  readonly exitCode: number | undefined;
  /** The signal that came. */
  readonly cause: EndSignal | undefined;
  /** Says that the command ended in order, and nothing was cut off: its own exit code counts. */
  obeyed(): void;
}

/** Listens for signals: the first one asks the command to end in order, the second ends the process at once. */
export function createInterrupt(io: CliIo): Interrupt {
  const controller = new AbortController();
  let cause: EndSignal | undefined;
  let obeyed = false;
  const listening = io.onSignal((signal) => {
    if (cause !== undefined && signal !== "SIGPIPE") return io.exit(exitCodes[signal]);
    cause ??= signal;
    controller.abort(new DOMException(`Ended by ${signal}.`, "AbortError"));
  });
  return {
    signal: controller.signal,
    get cause() {
      return cause;
    },
    get exitCode() {
      return cause === undefined || obeyed ? undefined : exitCodes[cause];
    },
    obeyed: () => void (obeyed = true),
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  };
}

/** Waits for work that knows no signal; at a signal to end it fails at once, and the work goes on unwatched. */
export async function orInterrupted<T>(work: Promise<T>, { signal }: Interrupt): Promise<T> {
  const interrupted = Promise.withResolvers<never>();
  const stop = (): void => interrupted.reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, interrupted.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
