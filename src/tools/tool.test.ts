import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { tool } from "./tool.ts";

const input = z.object({ city: z.string() });

test("a tool is what was written, with defaults for the rest", () => {
  const run = ({ city }: { city: string }) => city.length;
  const length = tool({ name: "length", input, run });
  expect(length).toMatchObject({
    kind: "tool",
    name: "length",
    description: "",
    purpose: "action",
    timeoutMs: 60_000,
    input,
    run,
  });
  expectTypeOf<Parameters<(typeof length)["run"]>[0]>().toEqualTypeOf<{ city: string }>();
});

test.each(["a", "search_documents", "Get-Weather-2", "x".repeat(64)])(
  "%s is a name that every provider takes",
  (name) => {
    expect(tool({ name, input, run: () => 1 }).name).toBe(name);
  },
);

test.each(["", "two words", "dotted.name", "ümlaut", "x".repeat(65), "name\n", "a/b"])(
  "%j is refused as a name",
  (name) => {
    expect(() => tool({ name, input, run: () => 1 })).toThrow(
      expect.objectContaining({ code: "tool_invalid", details: { tool: name } }),
    );
  },
);

test.each([0, -1, Number.NaN])("a limit of %d ms is refused, as no call could keep it", (timeoutMs) => {
  expect(() => tool({ name: "a", input, timeoutMs, run: () => 1 })).toThrow(
    expect.objectContaining({ code: "tool_invalid" }),
  );
});

test("a tool is of version 1.0.0, needs nothing and asks nobody, unless it says so", async () => {
  expect(tool({ name: "a", input, run: () => 1 })).toMatchObject({
    version: "1.0.0",
    requires: {},
    permissions: [],
    approval: "never",
    examples: [],
  });
  const careful = tool({ name: "a", input, approval: ({ city }) => city === "Rome", run: () => 1 });
  expect(careful.approval).toBe("sometimes");
  expect([await careful.needsApproval({ city: "Rome" }), await careful.needsApproval({ city: "Oslo" })]).toEqual([
    true,
    false,
  ]);
  expect(tool({ name: "a", input, approval: true, run: () => 1 }).approval).toBe("always");
});

test("a tool that may not be called twice fails where nobody knows whether it was, unless it says otherwise", () => {
  const made = (options: object) => tool({ name: "a", input, run: () => 1, ...options }).onUnknown;
  expect([made({}), made({ idempotent: true }), made({ idempotent: false })]).toEqual([undefined, undefined, "fail"]);
  expect(made({ idempotent: false, onUnknown: "park" })).toBe("park");
});

test.each([
  [{ version: "1.0" }, 'The version "1.0"'],
  [{ requires: { other: "new" } }, 'requires other in "new"'],
  [{ permissions: ["fs:read", "rm -rf"] }, 'The permission "rm -rf"'],
])("%j is refused by name", (options, words) => {
  const making = () => tool({ name: "a", input, run: () => 1, ...options });
  expect(making).toThrow(expect.objectContaining({ code: "tool_invalid" }));
  expect(making).toThrow(words);
});
