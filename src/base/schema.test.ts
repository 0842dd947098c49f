import fc from "fast-check";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import type { Schema, SchemaInput, SchemaOutput } from "./schema.ts";
import { checkSchema, describeIssues, jsonSchemaOf, parseSchema } from "./schema.ts";

/** A Standard Schema written by hand, as small libraries do: it checks, later, and knows no JSON Schema. */
const even: Schema<unknown, number> = {
  "~standard": {
    version: 1,
    vendor: "by-hand",
    validate: async (value) =>
      typeof value === "number" && value % 2 === 0
        ? { value }
        : { issues: [{ message: "expected an even number", path: [{ key: "n" }, 0] }] },
  },
};
const trip = z.object({ city: z.string(), days: z.coerce.number().max(14).default(1) });

test("a value that fits comes back as the schema reads it", async () => {
  expect(await parseSchema(trip, { city: "Lisbon", days: "3" }, "trip")).toEqual({ city: "Lisbon", days: 3 });
  expect(await checkSchema(trip, { city: "Lisbon" })).toEqual({ ok: true, value: { city: "Lisbon", days: 1 } });
  expectTypeOf<SchemaOutput<typeof trip>>().toEqualTypeOf<{ city: string; days: number }>();
  expectTypeOf<SchemaInput<typeof trip>["city"]>().toEqualTypeOf<string>();
});

test("a value that does not fit is refused with every place that is wrong", async () => {
  const wrong = parseSchema(trip, { city: 5, days: 99 }, "trip to plan");
  await expect(wrong).rejects.toMatchObject({
    code: "invalid_input",
    details: { issues: [{ path: "city" }, { path: "days" }] },
  });
  await expect(wrong).rejects.toThrow(/^The trip to plan is not valid: city: .+; days: .+\.$/);
});

test("places in lists and objects are dotted, the value itself has no place", async () => {
  const result = await checkSchema(z.object({ stops: z.array(z.object({ name: z.string() })) }), {
    stops: [{ name: "a" }, {}],
  });
  expect(result).toMatchObject({ ok: false, issues: [{ path: "stops.1.name" }] });
  const whole = await checkSchema(z.string(), 5);
  expect(whole.ok ? [] : whole.issues.map((issue) => issue.path)).toEqual([""]);
  expect(
    describeIssues([
      { path: "", message: "is odd" },
      { path: "a.b", message: "is big" },
    ]),
  ).toBe("is odd; a.b: is big");
});

test("a schema of any library is read, also one that answers later", async () => {
  expect(await checkSchema(even, 4)).toEqual({ ok: true, value: 4 });
  expect(await checkSchema(even, 5)).toEqual({
    ok: false,
    issues: [{ path: "n.0", message: "expected an even number" }],
  });
});

test("no value of any kind makes a check throw", async () => {
  await fc.assert(
    fc.asyncProperty(fc.anything(), async (value) => {
      expect(typeof (await checkSchema(trip, value)).ok).toBe("boolean");
    }),
  );
});

test("the JSON Schema of a zod schema says what it accepts", () => {
  expect(jsonSchemaOf(trip, "trip")).toMatchObject({
    type: "object",
    required: ["city"],
    properties: { city: { type: "string" } },
  });
  expect(jsonSchemaOf(trip, "trip")).not.toHaveProperty("$schema");
});

test("a schema that knows no JSON Schema is refused by name, with its library and what to pass instead", () => {
  const describing = () => jsonSchemaOf(even, "the tool count");
  expect(describing).toThrow(expect.objectContaining({ code: "invalid_input" }));
  expect(describing).toThrow(/the tool count \(by-hand\) .*zod 4/);
});

test("a schema that JSON Schema has no words for is refused by name", () => {
  expect(() => jsonSchemaOf(z.date(), "the tool calendar")).toThrow(
    expect.objectContaining({
      code: "invalid_input",
      message: "The schema of the tool calendar has no JSON Schema form.",
    }),
  );
});
