interface Slot<V> {
  value: V | undefined;
}

/**
 * Is a map of what comes and goes fast. A `Map` whose table was replaced by a larger or tidier one leaves the old table to the next full
 * collection, and with it all that it held; here such a table holds slots, which are empty once their values are taken out.
 */
export class TransientMap<V> {
  readonly #slots = new Map<string, Slot<V>>();

  get size(): number {
    return this.#slots.size;
  }

  has(key: string): boolean {
    return this.#slots.has(key);
  }

  get(key: string): V | undefined {
    return this.#slots.get(key)?.value;
  }

  set(key: string, value: V): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) this.#slots.set(key, { value });
    else slot.value = value;
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    slot.value = undefined;
    this.#slots.delete(key);
  }

  keys(): Iterable<string> {
    return this.#slots.keys();
  }

  *values(): Generator<V> {
    for (const [, value] of this) yield value;
  }

  *[Symbol.iterator](): Generator<readonly [string, V]> {
    for (const [key, { value }] of this.#slots) if (value !== undefined) yield [key, value];
  }
}
