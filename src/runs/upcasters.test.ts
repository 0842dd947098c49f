import { expect, it } from "vitest";
import type { JsonValue } from "../base/index.ts";
import type { RunEvent } from "./run.ts";
import { createUpcaster, logForm } from "./upcasters.ts";

const entry = (type: string, data: JsonValue, key?: string): RunEvent => ({
  runId: "run_a",
  seq: 1,
  type,
  at: 1,
  data,
  ...(key === undefined ? {} : { key }),
});

it("gives the announcement of a step of an old log the key of its step", () => {
  const upcast = createUpcaster();
  upcast(entry("run.started", { workflow: "w" }));
  expect(upcast(entry("step.started", { key: "charge" }))).toMatchObject({ key: "charge" });
});

it("leaves alone what is in the new form, also in a log that an older program began", () => {
  const upcast = createUpcaster();
  upcast(entry("run.started", { workflow: "w" }));
  const keyed = entry("step.started", { key: "a" }, "a#2");
  expect(upcast(keyed)).toEqual(keyed);
  const other = createUpcaster();
  other(entry("run.started", { workflow: "w", form: logForm }));
  const own = entry("step.started", { key: "charge" });
  expect(other(own)).toBe(own);
});
