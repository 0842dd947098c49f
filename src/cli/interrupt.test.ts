import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAtlas } from "../app/index.ts";
import { workflow } from "../runs/index.ts";
import type { Interrupt } from "./interrupt.ts";
import { orInterrupted } from "./interrupt.ts";
import type { CliIo, EndSignal } from "./io.ts";
import { main } from "./main.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atlas-interrupt-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a cancel that waits for a run of another process ends at the first Ctrl-C, and stays asked for", async () => {
  const gate = Promise.withResolvers<void>();
  const stubborn = workflow({
    name: "stubborn",
    run: async (context) => {
      context.emit({ type: "begun", data: {} });
      await gate.promise;
    },
  });
  const environment = { OLLAMA_HOST: "127.0.0.1:9" };
  const owner = await createAtlas({ directory, environment, workflows: [stubborn] });
  const run = await owner.start(stubborn, null);
  for await (const { type } of run.events()) if (type === "begun") break;
  const listeners = new Set<(signal: EndSignal) => void>();
  const output = { isTTY: false, colours: false, columns: 80, write: () => {} };
  const io: CliIo = {
    stdout: output,
    stderr: output,
    readInput: async () => "",
    canAsk: false,
    environment,
    directory,
    onSignal(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    exit: () => expect.fail("the process had to be ended by force"),
  };
  const cancelled = main(["runs", "cancel", run.id], io);
  // The owner's signal aborts once the command has asked for the cancel.
  for await (const { type } of run.events()) if (type === "run.cancel_asked") break;
  for (const listener of listeners) listener("SIGINT");
  expect(await cancelled).toBe(130);
  gate.resolve();
  await expect(run.result()).rejects.toMatchObject({ code: "run_cancelled" });
  await owner.close();
});

test("what is done before a signal is given, and a signal that came before is heard", async () => {
  const controller = new AbortController();
  const interrupt: Interrupt = {
    signal: controller.signal,
    exitCode: undefined,
    cause: undefined,
    [Symbol.dispose]() {},
  };
  expect(await orInterrupted(Promise.resolve(1), interrupt)).toBe(1);
  controller.abort(new Error("ended"));
  await expect(orInterrupted(new Promise(() => {}), interrupt)).rejects.toThrow("ended");
});
