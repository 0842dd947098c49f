import type { StreamPart } from "../model.ts";
import type { FallbackRules } from "./group-options.ts";

/** Says what a broken answer may be followed by: another one unseen, a new one, its continuation, or nothing. */
export type Sequel = "transparent" | "restart" | "continue" | "stop";

/** Keeps what of an answer has reached the reader. */
export interface Escaped {
  readonly chars: number;
  /** The text so far; only kept where it may be continued. */
  readonly text: string;
  /** Sees a part that is given to the reader. */
  see(part: StreamPart): void;
  /** Says that the reader was told to forget all of it. */
  forget(): void;
  sequel(rules: FallbackRules): Sequel;
}

/** Makes an empty record of what has escaped. */
export function createEscaped(keepText: boolean): Escaped {
  const pieces: string[] = [];
  let chars = 0;
  let thought = false;
  let bound = false;
  return {
    get chars() {
      return chars;
    },
    get text() {
      return pieces.join("");
    },
    see(part) {
      switch (part.type) {
        case "text.delta":
          chars += part.text.length;
          if (keepText) pieces.push(part.text);
          return;
        case "reasoning.delta":
          thought = true;
          bound ||= part.signature !== undefined;
          return;
        case "tool.started":
        case "tool.delta":
        case "tool.completed":
          bound = true;
          return;
        default:
      }
    },
    forget() {
      pieces.length = 0;
      chars = 0;
      thought = false;
      bound = false;
    },
    sequel({ onText, onTools }) {
      if (bound) return onTools;
      if (chars > 0) return onText;
      // Thoughts without an answer can not be continued, only thought anew.
      if (thought) return onText === "stop" ? "stop" : "restart";
      return "transparent";
    },
  };
}
