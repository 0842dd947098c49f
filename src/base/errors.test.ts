import { expect, test } from "vitest";
import type * as Errors from "./errors.ts";
import { AtlasError, baseErrors, defineErrors, fromErrorData, isAtlasError, toAtlasError } from "./errors.ts";

const toolbox = defineErrors("toolbox", {
  hammer_lost: {
    status: 404,
    retry: "later",
    exitCode: 4,
    summary: "The hammer is lost.",
    fix: "Look under the bench.",
  },
});

/** Loads the module once more, as a second copy of the package in one process does. */
async function secondCopy(): Promise<typeof Errors> {
  const copy: unknown = await import(`${new URL("./errors.ts", import.meta.url).href}?copy`);
  return copy as typeof Errors;
}

test("an error carries what its table says about its code", () => {
  const cause = new Error("cause");
  const error = toolbox.create("hammer_lost", "The hammer of bench 3 is lost.", { details: { bench: 3 }, cause });
  expect(error).toMatchObject({
    name: "AtlasError",
    code: "hammer_lost",
    status: 404,
    retry: "later",
    exitCode: 4,
    fix: "Look under the bench.",
  });
  expect(error).toBeInstanceOf(Error);
  expect(error.cause).toBe(cause);
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: "hammer_lost",
    message: "The hammer of bench 3 is lost.",
    fix: "Look under the bench.",
    retry: "later",
    details: { bench: 3 },
    status: 404,
    exitCode: 4,
  });
});

test("a single error may know better than its table whether trying again helps", () => {
  expect(toolbox.create("hammer_lost", "Gone.", { retry: "never" }).retry).toBe("never");
});

test("an error without a cause has no cause at all", () => {
  expect(Object.hasOwn(toolbox.create("hammer_lost", "Gone."), "cause")).toBe(false);
});

test("a code that the table does not hold is a fault of the program", () => {
  const create = toolbox.create as (code: string, message: string) => unknown;
  expect(() => create("saw_lost", "?")).toThrow(TypeError);
  expect(() => create("toString", "?")).toThrow(TypeError);
});

test("a domain knows its own errors, by code if one is named", () => {
  const error = toolbox.create("hammer_lost", "Gone.");
  expect(toolbox.is(error)).toBe(true);
  expect(toolbox.is(error, "hammer_lost")).toBe(true);
  expect(baseErrors.is(error)).toBe(false);
  expect(baseErrors.is(baseErrors.create("cancelled", "x"), "timed_out")).toBe(false);
  expect(toolbox.is(new Error("hammer_lost"))).toBe(false);
});

test("a code that every object has is no code of a domain", () => {
  const odd = fromErrorData({
    code: "toString",
    message: "m",
    fix: "f",
    retry: "never",
    status: 500,
    exitCode: 1,
    details: {},
  });
  expect(toolbox.is(odd)).toBe(false);
});

test("errors of two copies of the package are told by their brand", async () => {
  const other = await secondCopy();
  expect(other.AtlasError).not.toBe(AtlasError);
  const foreign = other.baseErrors.create("timed_out", "Too slow.");
  expect(foreign).not.toBeInstanceOf(AtlasError);
  expect(isAtlasError(foreign)).toBe(true);
  expect(toAtlasError(foreign)).toBe(foreign);
  expect(baseErrors.is(foreign, "timed_out")).toBe(true);
});

test.each([undefined, null, 5, "atlas.error", {}, new Error("x"), { code: "cancelled" }])(
  "%s is no error of Atlas",
  (value) => {
    expect(isAtlasError(value)).toBe(false);
  },
);

test("an abort becomes cancelled and a timeout of the platform timed_out, each with its cause", () => {
  const abort: unknown = AbortSignal.abort().reason;
  expect(toAtlasError(abort)).toMatchObject({ code: "cancelled" });
  expect(toAtlasError(abort).cause).toBe(abort);
  const timeout = new DOMException("slow", "TimeoutError");
  expect(toAtlasError(timeout)).toMatchObject({ code: "timed_out", cause: timeout });
});

test.each([
  [new RangeError("too big"), "too big"],
  ["a text", "a text"],
  [undefined, "undefined"],
  [Symbol("s"), "Symbol(s)"],
])("anything else becomes internal_error with its message", (thrown, message) => {
  const error = toAtlasError(thrown);
  expect([error.code, error.message, error.cause]).toEqual(["internal_error", message, thrown]);
});

test("a thrown object that is no error neither breaks the reading of it nor shows what it holds", () => {
  expect(toAtlasError(Object.create(null)).code).toBe("internal_error");
  expect(toAtlasError({ toString: () => "hunter2" }).message).not.toContain("hunter2");
});

test("an error comes back from its plain form with its code, its words and its advice", () => {
  const data = toolbox.create("hammer_lost", "Gone.", { details: { bench: 3 }, retry: "changed" }).toJSON();
  const again = fromErrorData(data);
  expect(again.toJSON()).toEqual(data);
  expect(isAtlasError(again)).toBe(true);
  expect(again).toMatchObject({ status: 404, exitCode: 4, retry: "changed" });
});

test("an unknown code keeps its text", () => {
  const again = fromErrorData({
    code: "from_the_future",
    message: "New.",
    fix: "Update.",
    retry: "never",
    status: 500,
    exitCode: 1,
    details: {},
  });
  expect(again).toMatchObject({ code: "from_the_future", message: "New.", fix: "Update.", status: 500, exitCode: 1 });
});
