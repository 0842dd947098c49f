import { isUtf8 } from "node:buffer";

/** Names the encodings that are read. */
export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/**
 * Tells the encoding of a text from its first bytes; undefined when they are binary data.
 *
 * A text that is neither UTF-8 nor marked as UTF-16 is taken as windows-1252, which holds latin-1.
 */
export function detectEncoding(bytes: Uint8Array, whole = true): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (bytes.includes(0)) return undefined;
  // A sample may end within a character.
  if (isUtf8(bytes) || (!whole && [1, 2, 3].some((cut) => isUtf8(bytes.subarray(0, -cut))))) {
    return controlShare(bytes) > 0.1 ? undefined : "utf-8";
  }
  return controlShare(bytes) > 0.01 ? undefined : "windows-1252";
}

/** Gives the share of bytes that no text holds, looking at the first 64 KiB. */
function controlShare(bytes: Uint8Array): number {
  const length = Math.min(bytes.length, 65_536);
  let controls = 0;
  for (let index = 0; index < length; index++) {
    const byte = bytes[index] ?? 0;
    if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13 && byte !== 27) controls++;
  }
  return length === 0 ? 0 : controls / length;
}

/** Decodes a whole text, without its byte order mark. */
export function decodeText(bytes: Uint8Array, encoding: Encoding): string {
  return new TextDecoder(encoding).decode(bytes);
}
