import { isTokenRefused, type KeyText, type TokenSource } from "./api-key.ts";
import type { StreamPart } from "../model.ts";

type Result = IteratorResult<StreamPart, undefined>;
type Parts = AsyncIterator<StreamPart, undefined>;

const ended: Result = { done: true, value: undefined };

/** Is what a stream with tokens needs. `open` makes the stream of one call with the token that it is given. */
export interface TokenStreamOptions {
  readonly source: TokenSource;
  readonly take: () => Promise<string>;
  readonly open: (key: () => KeyText) => AsyncIterable<StreamPart>;
}

/**
 * Streams with a token that is fetched first; when the provider refuses it, once more with a fresh one.
 *
 * Cost: once the first part has come, nothing lies between the stream and its reader. No generator: leaving one waits for the
 * part that it waits for, and here that part may never come.
 */
export function tokenStream(options: TokenStreamOptions): AsyncIterableIterator<StreamPart, undefined> {
  let inner: Parts | undefined;
  let first: Promise<Result> | undefined;
  let begun = false;
  let left = false;
  const leave = Promise.withResolvers<Result>();

  const firstWith = (token: string): Promise<Result> => {
    inner = options.open(() => token)[Symbol.asyncIterator]();
    return inner.next();
  };
  const begin = async (): Promise<Result> => {
    const token = await options.take();
    if (left) return ended;
    try {
      return await firstWith(token);
    } catch (error) {
      if (left || !isTokenRefused(error)) throw error;
      options.source.reject(token);
    }
    const fresh = await options.take();
    return left ? ended : await firstWith(fresh);
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      if (left) return Promise.resolve(ended);
      // Without a token nothing was opened: then the failure of the first part was the end.
      if (begun) return inner?.next() ?? Promise.resolve(ended);
      if (first !== undefined) {
        const again = (): Promise<Result> => this.next();
        return first.then(again, again);
      }
      first = begin().finally(() => {
        begun = true;
      });
      return Promise.race([first, leave.promise]);
    },
    async return() {
      left = true;
      await inner?.return?.();
      leave.resolve(ended);
      return ended;
    },
  };
}
