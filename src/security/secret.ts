const brand = Symbol.for("atlas.secret");
const inspect = Symbol.for("nodejs.util.inspect.custom");

/** Is what stands in every print where a secret was. */
export const secretMask = "[secret]";

/**
 * Holds a text that must not be seen: printed, logged, inspected or written as JSON it is `[secret]`.
 * Told by its brand, so that two copies of Atlas in one process understand each other.
 */
export class Secret {
  readonly [brand] = true;
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Gives the text. Call it where the text is handed over, and keep the result in no variable that lives on. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return secretMask;
  }

  toJSON(): string {
    return secretMask;
  }

  [inspect](): string {
    return secretMask;
  }
}

/** Tells whether a value is a secret, from this or another copy of the package. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && brand in value;
}
