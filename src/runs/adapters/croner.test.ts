import { describe, expect, it } from "vitest";
import { croner } from "./croner.ts";

function next(cron: string, from: string, { timezone = "UTC", count = 3 } = {}): string[] {
  const times = croner().next({ cron, timezone, count, after: Date.parse(from) });
  return times.map((at) => new Date(at).toISOString());
}

describe("croner reads cron expressions", () => {
  it("of five fields, and of six with seconds", () => {
    expect(next("0 6 * * 1", "2026-01-01T00:00:00Z", { count: 2 })).toEqual([
      "2026-01-05T06:00:00.000Z",
      "2026-01-12T06:00:00.000Z",
    ]);
    expect(next("*/20 * * * * *", "2026-01-01T00:00:00Z")).toEqual([
      "2026-01-01T00:00:20.000Z",
      "2026-01-01T00:00:40.000Z",
      "2026-01-01T00:01:00.000Z",
    ]);
  });

  it("and gives only times that are later than the one it is asked from", () => {
    expect(next("0 0 * * *", "2026-01-01T00:00:00Z", { count: 1 })).toEqual(["2026-01-02T00:00:00.000Z"]);
  });

  it("in a time zone, where a day without the hour has it after the gap, and a day that has it twice has it once", () => {
    const timezone = "Europe/Berlin";
    expect(next("30 2 * * *", "2026-03-27T12:00:00Z", { timezone })).toEqual([
      "2026-03-28T01:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
    expect(next("30 2 * * *", "2026-10-24T12:00:00Z", { timezone })).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
      "2026-10-27T01:30:00.000Z",
    ]);
  });

  it("of days that come seldom, and of one that never comes", () => {
    expect(next("0 0 29 2 *", "2026-01-01T00:00:00Z", { count: 1 })).toEqual(["2028-02-29T00:00:00.000Z"]);
    expect(next("0 0 30 2 *", "2026-01-01T00:00:00Z")).toEqual([]);
  });

  it.each([
    ["* * *", "UTC"],
    ["61 * * * *", "UTC"],
    ["", "UTC"],
    ["0 0 * * * * 2026", "UTC"],
    ["0 6 * * *", "Mars/Base"],
  ])("but not %j in %s", (cron, timezone) => {
    expect(() => next(cron, "2026-01-01T00:00:00Z", { timezone })).toThrow(
      expect.objectContaining({ code: "schedule_invalid", details: { cron, timezone } }),
    );
  });
});
