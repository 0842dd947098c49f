import type { FilePart } from "../message.ts";
import { refusal, type RequestTarget } from "./target.ts";

const sameTypes: ReadonlyMap<string, string> = new Map([
  ["image/jpg", "image/jpeg"],
  ["audio/mp3", "audio/mpeg"],
  ["audio/x-wav", "audio/wav"],
  ["audio/wave", "audio/wav"],
]);

/** Finds what is in no base64, of either alphabet, in one line or many: a data URL or plain text has some of it. */
const noBase64 = /[^A-Za-z0-9+/=_\r\n-]/;

/** Is a file that the model takes: its type in the usual spelling, and its content or its address. */
export type TakenFile =
  | { readonly mediaType: string; readonly data: string; readonly url?: undefined }
  | { readonly mediaType: string; readonly url: string; readonly data?: undefined };

/** Reads a file part. Errors: provider_invalid_request when the model takes no files of its type, or there is nothing in it, or no base64. */
export function takeFile(part: FilePart, target: RequestTarget): TakenFile {
  const written = part.mediaType.toLowerCase().split(";")[0]?.trim() ?? "";
  const mediaType = sameTypes.get(written) ?? written;
  if (!target.files.some((type) => fits(mediaType, type))) {
    throw refusal(target, `takes no files of the type ${nameOf(mediaType)}; ${listOf(target.files)}`, "files");
  }
  if (part.data !== undefined && part.data !== "") {
    if (noBase64.test(part.data))
      throw refusal(target, `was given a file of the type ${mediaType} that is not base64`, "files");
    return { mediaType, data: part.data };
  }
  if (part.url !== undefined && part.url !== "") return { mediaType, url: part.url };
  throw refusal(target, `was given a file of the type ${mediaType} that has neither data nor a url`, "files");
}

/** Makes the error of a file that is of a type the model takes, but in a form that the format cannot carry. */
export function unsuitableFile(target: RequestTarget, mediaType: string, why: string): Error {
  return refusal(target, `takes no file of the type ${mediaType} ${why}`, "files");
}

/** Writes a file as a data URL. */
export function dataUrl({ mediaType, data }: { readonly mediaType: string; readonly data: string }): string {
  return `data:${mediaType};base64,${data}`;
}

function fits(mediaType: string, type: string): boolean {
  return type === mediaType || (type.endsWith("/*") && mediaType.startsWith(type.slice(0, -1)));
}

function nameOf(mediaType: string): string {
  return /^[\w.+-]{1,64}\/[\w.+-]{1,64}$/.test(mediaType) ? mediaType : "unknown";
}

function listOf(files: readonly string[]): string {
  if (files.length === 0) return "it reads text only";
  return `it takes ${files.join(", ")}: convert the file or choose another model`;
}
