import type { CliIo, EndSignal } from "../../src/cli/io.ts";

/** Is a world for a command in a test: what it wrote, and how to press Ctrl-C. */
export interface FakeIo extends CliIo {
  readonly out: () => string;
  readonly err: () => string;
  readonly exits: readonly number[];
  readonly press: (signal: EndSignal) => void;
}

/** Are the options of `fakeIo`. */
export interface FakeIoOptions {
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly isTTY?: boolean;
  readonly colours?: boolean;
  readonly erasable?: boolean;
  /** Is called with everything that is written to stderr. */
  readonly onTalk?: (text: string) => void;
}

/** Makes a world for a command in a test. */
export function fakeIo(options: FakeIoOptions): FakeIo {
  const { directory, environment = {}, input = "", isTTY = false, colours = isTTY, erasable = isTTY } = options;
  let out = "";
  let err = "";
  const exits: number[] = [];
  const listeners = new Set<(signal: EndSignal) => void>();
  return {
    stdout: { isTTY, colours, erasable, columns: 80, write: (text) => void (out += text) },
    stderr: {
      isTTY,
      colours,
      erasable,
      columns: 80,
      write(text) {
        err += text;
        options.onTalk?.(text);
      },
    },
    readInput: async () => input,
    canAsk: false,
    environment,
    directory,
    onSignal(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    exit: (code) => void exits.push(code),
    out: () => out,
    err: () => err,
    exits,
    press(signal) {
      for (const listener of listeners) listener(signal);
    },
  };
}
