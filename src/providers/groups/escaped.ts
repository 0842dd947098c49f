import type { StreamPart } from "../model.ts";
import type { FallbackRules } from "./group-options.ts";

/** Says what a broken answer may be followed by: another one unseen, a new one, its continuation, or nothing. */
export type Sequel = "transparent" | "restart" | "continue" | "stop";

/** Keeps what of an answer has reached the reader. */
export class Escaped {
  readonly #keepText: boolean;
  #pieces: string[] = [];
  #chars = 0;
  #thought = false;
  #bound = false;

  /** Makes an empty record of what has escaped; its text is kept only where it may be continued. */
  constructor(keepText: boolean) {
    this.#keepText = keepText;
  }

  get chars(): number {
    return this.#chars;
  }

  /** The text so far; only kept where it may be continued. */
  get text(): string {
    return this.#pieces.join("");
  }

  /** Sees a part that is given to the reader. */
  see(part: StreamPart): void {
    switch (part.type) {
      case "text.delta":
        this.#chars += part.text.length;
        if (this.#keepText) this.#pieces.push(part.text);
        return;
      case "reasoning.delta":
        this.#thought = true;
        this.#bound ||= part.signature !== undefined;
        return;
      case "tool.started":
      case "tool.delta":
      case "tool.completed":
        this.#bound = true;
        return;
      default:
    }
  }

  /** Says that the reader was told to forget all of it. */
  forget(): void {
    this.#pieces = [];
    this.#chars = 0;
    this.#thought = false;
    this.#bound = false;
  }

  sequel({ onText, onTools }: FallbackRules): Sequel {
    if (this.#bound) return onTools;
    if (this.#chars > 0) return onText;
    // Thoughts without an answer can not be continued, only thought anew.
    if (this.#thought) return onText === "stop" ? "stop" : "restart";
    return "transparent";
  }
}
