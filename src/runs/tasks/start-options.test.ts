import { describe, expect, it } from "vitest";
import type { StartOptions } from "../run.ts";
import { checkName, checkStartOptions } from "./start-options.ts";

const now = 1_700_000_000_000;
const queue = "mail";

describe("the options of a start", () => {
  it.each<[string, StartOptions]>([
    ["none", {}],
    ["a queue with everything", { queue, tenant: "acme", priority: -10, startAt: now + 1, retry: { attempts: 1 } }],
    ["a time that is now", { queue, startAt: now }],
    ["names with dots and signs", { queue: "a.b:c@d-e_1", tenant: "x" }],
  ])("may be %s", (_, options) => {
    expect(() => checkStartOptions(options, now)).not.toThrow();
  });

  it.each<[string, StartOptions, string]>([
    ["a priority beyond ten", { queue, priority: 11 }, "priority is 11"],
    ["a priority that is no whole number", { queue, priority: 0.5 }, "priority is 0.5"],
    ["a priority without a queue", { priority: 1 }, "name a queue"],
    ["a time without a queue", { startAt: now + 1 }, "name a queue"],
    ["dependencies without a queue", { after: { runs: [] } }, "name a queue"],
    ["a retry without a queue", { retry: { attempts: 2 } }, "name a queue"],
    ["a queue without a name", { queue: "" }, "The option queue"],
    ["a queue whose name leaves its folder", { queue: "../etc" }, "The option queue"],
    ["a tenant with a long name", { tenant: "t".repeat(65) }, "The option tenant"],
    ["an empty key", { key: "" }, "The option key"],
    ["no attempt at all", { queue, retry: { attempts: 0 } }, "retry.attempts is 0"],
    ["a negative delay", { queue, retry: { attempts: 2, minDelayMs: -1 } }, "retry.minDelayMs"],
    ["delays that shrink", { queue, retry: { attempts: 2, factor: 0.5 } }, "retry.factor"],
    [
      "a longest delay below the shortest",
      { queue, retry: { attempts: 2, minDelayMs: 9, maxDelayMs: 8 } },
      "maxDelayMs",
    ],
    ["half a budget", { budget: { maxTokens: 0.5 } }, "maxTokens"],
    ["a time that no calendar has", { queue, startAt: 8.64e15 }, "startAt"],
    ["a delay that never ends", { queue, retry: { attempts: 2, minDelayMs: 1e15 } }, "retry.minDelayMs"],
    ["a key that no server keeps", { key: "a\0b" }, "The option key holds"],
    ["a time that is no number", { queue, startAt: Number.NaN }, "startAt"],
  ])("may not be %s", (_, options, text) => {
    expect(() => checkStartOptions(options, now)).toThrow(
      expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(text) as string }),
    );
  });

  it("may not name a time in the past", () => {
    expect(() => checkStartOptions({ queue, startAt: now - 1 }, now)).toThrow(
      expect.objectContaining({ code: "time_past", details: { startAt: now - 1, now } }),
    );
  });

  it("name what is wrong, but no more of it than fits into a line", () => {
    expect(() => checkName("queue", " ".repeat(100_000))).toThrow(/^.{0,250}$/);
  });
});
