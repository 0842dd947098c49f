import { expect, test } from "vitest";
import type { Interrupt } from "./interrupt.ts";
import { orInterrupted } from "./interrupt.ts";

test("what is done before a signal is given, and a signal that came before is heard", async () => {
  const controller = new AbortController();
  const interrupt: Interrupt = {
    signal: controller.signal,
    exitCode: undefined,
    cause: undefined,
    obeyed() {},
    [Symbol.dispose]() {},
  };
  expect(await orInterrupted(Promise.resolve(1), interrupt)).toBe(1);
  controller.abort(new Error("ended"));
  await expect(orInterrupted(new Promise(() => {}), interrupt)).rejects.toThrow("ended");
});
