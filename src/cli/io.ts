import process from "node:process";
import { addAbortSignal } from "node:stream";
import { isatty } from "node:tty";

/** Is a stream that the command line writes to. */
export interface Output {
  readonly isTTY: boolean;
  /** True on a terminal that can show colours, unless NO_COLOR or TERM=dumb say no. */
  readonly colours: boolean;
  /** True on a terminal whose lines can be written anew; TERM=dumb obeys no escape codes. */
  readonly erasable: boolean;
  readonly columns: number;
  write(text: string): void;
}

/** Is a signal that asks the program to end. */
export type EndSignal = "SIGINT" | "SIGTERM" | "SIGPIPE";

/** Is everything that a command has of the world outside, so that a test can stand in for a terminal. */
export interface CliIo {
  /** Data: what a script reads. */
  readonly stdout: Output;
  /** Talk: what a person reads. */
  readonly stderr: Output;
  /** Reads all of the standard input as text; an abort ends the reading and the stream. */
  readonly readInput: (signal: AbortSignal) => Promise<string>;
  /** True when a person can be asked. */
  readonly canAsk: boolean;
  /** What settings and keys are read from; the process's own environment when left out. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Calls back for every signal to end. */
  readonly onSignal: (listener: (signal: EndSignal) => void) => Disposable;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
}

/** Connects the command line to this process. */
export function processIo(): CliIo {
  const listeners = new Set<(signal: EndSignal) => void>();
  const tell = (signal: EndSignal): void => {
    for (const listener of listeners) listener(signal);
  };
  return {
    stdout: outputOf(process.stdout, isatty(process.stdout.fd), tell),
    stderr: outputOf(process.stderr, isatty(process.stderr.fd), tell),
    readInput: readAll,
    canAsk: isatty(process.stdin.fd) && isatty(process.stderr.fd) && !isDumb(),
    directory: process.cwd(),
    onSignal(listener) {
      const onInterrupt = (): void => listener("SIGINT");
      const onTerminate = (): void => listener("SIGTERM");
      listeners.add(listener);
      process.on("SIGINT", onInterrupt);
      process.on("SIGTERM", onTerminate);
      return {
        [Symbol.dispose]() {
          listeners.delete(listener);
          process.off("SIGINT", onInterrupt);
          process.off("SIGTERM", onTerminate);
        },
      };
    },
    exit: (code) => process.exit(code),
  };
}

function isDumb(): boolean {
  return process.env["TERM"] === "dumb";
}

/**
 * Writes to a stream until its reader has gone; that is told once, as SIGPIPE, and is no error. A stream that takes no more for
 * another reason, as a full disk, ends the command in the same way, with a word about it and the exit code 1.
 */
function outputOf(stream: NodeJS.WriteStream, isTTY: boolean, tell: (signal: EndSignal) => void): Output {
  let gone = false;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (gone) return;
    gone = true;
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") failAtExit(stream, error.code);
    tell("SIGPIPE");
  });
  return {
    isTTY,
    colours: isTTY && !isDumb() && stream.hasColors(),
    erasable: isTTY && !isDumb(),
    columns: stream.columns || 80,
    write(text) {
      if (!gone) stream.write(text);
    },
  };
}

function failAtExit(stream: NodeJS.WriteStream, code = "unknown reason"): void {
  // Whatever the command ends with now: its output is not whole.
  process.once("exit", () => (process.exitCode = 1));
  if (stream !== process.stderr)
    process.stderr.write(`Error: The output cannot be written (${code}); make room there, or write it elsewhere.\n`);
}

async function readAll(signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  // The stream is ended too: a read that goes on would keep the process alive.
  for await (const chunk of addAbortSignal(signal, process.stdin)) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}
