import type { Seam } from "../call-report.ts";
import type { StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";
import { Escaped, type Sequel } from "./escaped.ts";
import type { FallbackRules } from "./group-options.ts";
import { createSeamText, type SeamText } from "./seam-text.ts";

/** Is how an answer goes on that broke off in sight of the reader. `exact` is as in createSeamText. */
export interface Handover {
  readonly kind: "restart" | "continue";
  readonly from: string;
  readonly to: string;
  readonly code: string;
  readonly exact: boolean;
}

/** Are the options of a delivery. */
export interface DeliveryOptions {
  readonly keepText: boolean;
  /** Is told of each seam as the reader comes to it. */
  readonly onSeam: (seam: Seam) => void;
  /** Adds what earlier attempts used to a usage. */
  readonly total: (usage: Usage) => Usage;
}

/**
 * Makes one answer for the reader out of the parts of several attempts. What comes before the first content of an attempt is
 * held back until that content comes: an attempt that fails before has never been seen.
 */
export class Delivery {
  /** What the reader gets next. */
  readonly ready: StreamPart[] = [];
  readonly #options: DeliveryOptions;
  readonly #escaped: Escaped;
  #held: StreamPart[] = [];
  #started = false;
  #revealed = false;
  #handover: Handover | undefined;
  #seam: SeamText | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#escaped = new Escaped(options.keepText);
  }

  /** The text that the reader has; only where it is kept. */
  get text(): string {
    return this.#escaped.text;
  }

  sequel(rules: FallbackRules): Sequel {
    return this.#escaped.sequel(rules);
  }

  /** Begins with the parts of another attempt. */
  begin(handover: Handover | undefined): void {
    this.#held = [];
    this.#revealed = false;
    this.#handover = handover;
    this.#seam = handover?.kind === "continue" ? createSeamText(this.#escaped.text, handover.exact) : undefined;
  }

  /** Takes a part in; what the reader may have of it is then ready. */
  take(part: StreamPart): void {
    switch (part.type) {
      case "response.started":
        if (!this.#started) this.#held.push(part);
        return;
      case "usage.updated":
        (this.#revealed ? this.ready : this.#held).push({ ...part, usage: this.#options.total(part.usage) });
        return;
      case "text.delta":
        if (this.#seam === undefined) this.#show(part);
        else this.#showText(this.#seam.push(part.text));
        return;
      case "response.restarted":
        this.#reveal();
        this.#escaped.forget();
        this.ready.push(part);
        return;
      case "reasoning.delta":
        // Who goes on may think before it repeats the last words.
        if (this.#seam?.holds === true) this.#endSeam();
        this.#show(part);
        return;
      default:
        this.#endSeam();
        this.#show(part);
    }
  }

  /** Makes the last parts ready: the answer is whole, or is to end here. */
  finish(last: StreamPart): void {
    this.#endSeam();
    this.#reveal();
    this.ready.push(last);
  }

  #endSeam(): void {
    const seam = this.#seam;
    this.#seam = undefined;
    if (seam !== undefined) this.#showText(seam.end());
  }

  #showText(text: string): void {
    if (text !== "") this.#show({ type: "text.delta", text });
  }

  #show(part: StreamPart): void {
    if (!this.#revealed) this.#reveal();
    this.#escaped.see(part);
    this.ready.push(part);
  }

  #reveal(): void {
    if (this.#revealed) return;
    this.#revealed = true;
    const handover = this.#handover;
    if (handover !== undefined) {
      const { from, to, code } = handover;
      const kind = handover.kind === "restart" ? "restarted" : "continued";
      this.#options.onSeam({ kind, from, to, code, atChars: this.#escaped.chars });
      if (kind === "restarted") this.#escaped.forget();
      this.ready.push({ type: `response.${kind}`, from, to, code });
    }
    for (const part of this.#held) {
      this.ready.push(part);
      this.#started ||= part.type === "response.started";
    }
    this.#held = [];
  }
}
