import { expect, test } from "vitest";
import { createRedactor, Secret } from "../security/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import type { LoggerOptions } from "./logger.ts";
import { createLogger, logLevels, silentLogger } from "./logger.ts";

const clock = manualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678));

function record(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  return { lines, logger: createLogger({ clock, write: (line) => void lines.push(line), ...options }) };
}

test.each(logLevels)("the level %s lets through what is as severe or more", (level) => {
  const { lines, logger } = record({ level });
  for (const name of ["debug", "info", "warn", "error"] as const) logger[name](name);
  const written = lines.map((line) => (JSON.parse(line) as { level: string }).level);
  expect(written).toEqual(logLevels.slice(logLevels.indexOf(level)).filter((name) => name !== "silent"));
});

test("info in JSON is what is written when nothing is said", () => {
  const { lines, logger } = record();
  logger.debug("hidden");
  logger.info("started", { port: 8080, host: undefined });
  expect(lines).toEqual(['{"time":"2026-01-02T03:04:05.678Z","level":"info","message":"started","port":8080}']);
});

test("a field cannot take the place of the time, the level or the message", () => {
  const { lines, logger } = record();
  logger.error("failed", { message: "another", level: "debug", time: 0, cause: "c" });
  expect(lines).toEqual(['{"time":"2026-01-02T03:04:05.678Z","level":"error","message":"failed","cause":"c"}']);
});

test("a pretty line is short and shows the fields", () => {
  const { lines, logger } = record({ format: "pretty" });
  logger.warn("slow", { ms: 12, run: "run_1", gone: undefined, list: [1, "a"] });
  expect(lines).toEqual(['03:04:05.678 warn  slow ms=12 run=run_1 list=[1,"a"]']);
});

test("nothing that is logged can begin a line of its own or steer the terminal", () => {
  const { lines, logger } = record({ format: "pretty" });
  logger.info("a\n00:00:00.000 error forged", { file: "x\u001b[2Jy\r\n", name: "two words", c1: "\u009b2J" });
  expect(lines).toEqual([
    '03:04:05.678 info  a\\u000a00:00:00.000 error forged file="x\\u001b[2Jy\\r\\n" name="two words" c1="\\u009b2J"',
  ]);
});

test("a child adds its fields to every line, the nearest wins", () => {
  const { lines, logger } = record();
  const child = logger.child({ run: "run_1", step: "a" }).child({ step: "b" });
  child.info("one");
  child.info("two", { step: "c" });
  logger.info("three");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { run: "run_1", step: "b" },
    { step: "c" },
    { message: "three" },
  ]);
  expect(lines[2]).not.toContain("run_1");
});

test.each(["json", "pretty"] as const)("a %s line is redacted last, wherever the secret stands", (format) => {
  const redact = createRedactor({ secrets: [new Secret("hunter2-hunter2")] });
  const { lines, logger } = record({ format, redact });
  logger
    .child({ child: "hunter2-hunter2" })
    .error("with hunter2-hunter2", { field: "hunter2-hunter2", "hunter2-hunter2": { deep: ["hunter2-hunter2"] } });
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain("hunter2");
});

test("what is redacted stays JSON, and what stands under the name of a credential is taken out", () => {
  const redact = createRedactor({ secrets: [new Secret("hunter2-hunter2"), new Secret("9081726354")] });
  const { lines, logger } = record({ redact });
  logger.info("used", { apiKey: 12345678, deep: { password: "letmein-please", "hunter2-hunter2": 9081726354 }, n: 5 });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    apiKey: "[secret]",
    deep: { password: "[secret]", "[secret]": "[secret]" },
    n: 5,
  });
});

test("a line of JSON holds no character that a terminal obeys", () => {
  const { lines, logger } = record();
  logger.info("a\u009b2J\u007f");
  expect(lines[0]).not.toMatch(/\p{Cc}/u);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ message: "a\u009b2J\u007f" });
});

test("the silent logger writes nothing, nor do its children", () => {
  silentLogger.child({ a: 1 }).error("nobody hears this");
  expect(silentLogger.error("nor this")).toBeUndefined();
});
