import type { JsonValue } from "../../base/index.ts";

/** Reads a vector from a list of numbers, or from base64 of 32-bit floats in little-endian order; undefined when it is neither. */
export function readVector(value: JsonValue | undefined): Float32Array | undefined {
  if (typeof value === "string") return readBase64(value);
  if (!Array.isArray(value)) return undefined;
  const vector = new Float32Array(value.length);
  for (const [index, number] of value.entries()) {
    if (typeof number !== "number") return undefined;
    vector[index] = number;
  }
  return vector;
}

function readBase64(text: string): Float32Array | undefined {
  const bytes = Buffer.from(text, "base64");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  // Node skips what is no base64, so the length tells whether all of it was.
  if (bytes.length % 4 !== 0 || bytes.length !== Math.floor(((text.length - padding) * 3) / 4)) return undefined;
  const vector = new Float32Array(bytes.length / 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; index < vector.length; index++) vector[index] = view.getFloat32(index * 4, true);
  return vector;
}

/** Makes a vector of length 1 with the same direction; undefined when it has none (all zeros), or a number that is not finite. */
export function normalise(vector: Float32Array): Float32Array | undefined {
  let largest = 0;
  for (const number of vector) largest = Math.max(largest, Math.abs(number));
  if (largest === 0 || !Number.isFinite(largest)) return undefined;
  // Scaled by the largest first: squares of very small and very large numbers leave what 64 bits can hold apart.
  let sum = 0;
  for (const number of vector) sum += (number / largest) ** 2;
  const length = Math.sqrt(sum);
  return vector.map((number) => number / largest / length);
}
