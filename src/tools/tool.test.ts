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
