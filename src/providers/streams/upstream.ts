import type { Clock } from "../../base/index.ts";
import type { StreamPart } from "../model.ts";

/** Says how to open the model's stream and where its parts and its failure go; `read` gets undefined at its end. */
export interface UpstreamOptions {
  readonly open: (signal: AbortSignal) => AsyncIterator<StreamPart, unknown, undefined>;
  readonly read: (part: StreamPart | undefined) => void;
  readonly failed: (error: unknown) => void;
  /** Tells whether to read on. */
  readonly wanted: () => boolean;
}

/** Bounds how long disposing waits for a model that does not heed its signal. */
const closeGraceMs = 1_000;

/** Reads a model's stream, one part at a time and only when told, and closes it. */
export class Upstream {
  status: "unopened" | "open" | "closed" = "unopened";
  reading = false;
  /** Tells that the last part has come; one more read lets the model end by itself. */
  finished = false;
  readonly #options: UpstreamOptions;
  readonly #controller = new AbortController();
  #source: AsyncIterator<StreamPart, unknown, undefined> | undefined;
  #closing = false;
  #settled: (() => void) | undefined;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  open(): void {
    this.status = "open";
    try {
      this.#source = this.#options.open(this.#controller.signal);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Reads on for as long as parts are wanted. */
  pull(): void {
    if (this.#source !== undefined && !this.reading) void this.#readOn(this.#source);
  }

  /** Stops the call: its signal first, so that a read under way ends; then the iteration. */
  close(reason: unknown): void {
    if (this.status !== "open" || this.#closing) {
      if (this.status === "unopened") this.#close();
      return;
    }
    this.#closing = true;
    this.#controller.abort(reason);
    void this.#return();
  }

  /** Waits until the stream is closed; one that has ended but does not close is stopped after a second. */
  async settled(clock: Clock): Promise<void> {
    if (this.status !== "open") return;
    const timer = new AbortController();
    const closed = new Promise<void>((resolve) => (this.#settled = resolve));
    const late = clock.sleep(closeGraceMs, { signal: timer.signal, keepAlive: false }).catch(() => {});
    await Promise.race([closed, late]);
    timer.abort();
    this.close(undefined);
  }

  async #readOn(source: AsyncIterator<StreamPart, unknown, undefined>): Promise<void> {
    this.reading = true;
    try {
      do {
        const result = await source.next();
        if (result.done === true) return this.#end();
        if (this.finished) return this.close(undefined);
        if (result.value.type === "response.finished") this.finished = true;
        this.#options.read(result.value);
      } while (this.status === "open" && !this.#closing && this.#options.wanted());
    } catch (error) {
      this.#failed(error);
    } finally {
      this.reading = false;
    }
  }

  #end(): void {
    this.reading = false;
    this.#close();
    this.#options.read(undefined);
  }

  readonly #failed = (error: unknown): void => {
    this.reading = false;
    this.#close();
    this.#options.failed(error);
  };

  async #return(): Promise<void> {
    try {
      await this.#source?.return?.();
    } catch {
      // It has failed while it was closed: it is closed.
    }
    this.#close();
  }

  #close(): void {
    this.status = "closed";
    this.#source = undefined;
    this.#settled?.();
  }
}
