/** Is the only source of randomness. `next` returns a number in [0, 1). */
export interface Random {
  next(): number;
}

/** Draws from the platform's cryptographic generator, in blocks. */
export const systemRandom: Random = createSystemRandom();

function createSystemRandom(): Random {
  const block = new Uint32Array(256);
  let index = block.length;
  return {
    next() {
      if (index === block.length) {
        crypto.getRandomValues(block);
        index = 0;
      }
      return (block[index++] ?? 0) / 2 ** 32;
    },
  };
}

/** Draws a sequence that depends on the seed alone: the same on every machine and in every run. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x9e3779b9) >>> 0;
      let mixed = state;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
    },
  };
}
