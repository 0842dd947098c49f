import { describe, expect, it } from "vitest";
import type { StreamPart } from "../model.ts";
import { tokenStream } from "./token-stream.ts";

const source = { token: async () => "good", reject() {} };
const part: StreamPart = { type: "text.delta", text: "a" };

async function* answer(): AsyncGenerator<StreamPart, void, undefined> {
  yield part;
}

describe("a stream with tokens", () => {
  it("is over once there was no token, however often it is asked again", async () => {
    const take = (): Promise<string> => Promise.reject(new Error("no token"));
    const stream = tokenStream({ source, take, open: answer });
    const asked = [stream.next(), stream.next()];
    await expect(asked[0]).rejects.toThrow("no token");
    await expect(asked[1]).resolves.toEqual({ done: true, value: undefined });
    await expect(stream.next()).resolves.toEqual({ done: true, value: undefined });
  });

  it("gives who asks before the first part has come what follows it", async () => {
    const stream = tokenStream({ source, take: source.token, open: answer });
    const asked = await Promise.all([stream.next(), stream.next()]);
    expect(asked).toEqual([
      { done: false, value: part },
      { done: true, value: undefined },
    ]);
  });
});
